//! In which order scripts and pipes are told of what a configuration brings. It is the order of the lines in keepalived 2.2.7's
//! FIFO with the same configuration.

use vrrp::{Input, InstanceSpec, InterfaceTrack, Priority, RouterSpec, SyncGroupSpec, VirtualRouterId};

use crate::scene::{OWN, Scene, link, ms, spec};

/// Names of instances as the file has them; O is an owner, those with a `!` track eth1. The number of an instance is its own.
fn file(names: &[&str], groups: &[(&str, &[&str])]) -> RouterSpec {
    let numbered = ["A1", "A2", "B1", "B2", "L1", "L2", "O", "L3", "C1", "C2"];
    let instance = |written: &&str| {
        let name = written.trim_end_matches('!');
        let number = numbered.iter().position(|known| *known == name).unwrap();
        let track = InterfaceTrack { interface: "eth1".into(), weight: 0, reverse: false };
        InstanceSpec {
            name: name.into(),
            vrid: VirtualRouterId::new(u8::try_from(number).unwrap() + 1).unwrap(),
            priority: if name == "O" { Priority::OWNER } else { Priority::new(100).unwrap() },
            track_interfaces: if written.ends_with('!') { vec![track] } else { vec![] },
            ..spec()
        }
    };
    let group = |(name, members): &(&str, &[&str])| {
        SyncGroupSpec::new(*name, members.iter().map(|member| (*member).into()).collect())
    };
    RouterSpec {
        instances: names.iter().map(instance).collect(),
        sync_groups: groups.iter().map(group).collect(),
        ..RouterSpec::default()
    }
}

const A: (&str, &[&str]) = ("A", &["A1", "A2"]);
const B: (&str, &[&str]) = ("B", &["B1", "B2"]);
const C: (&str, &[&str]) = ("C", &["C1", "C2"]);

fn started(spec: RouterSpec) -> Scene {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "eth1", false, &[])]));
    scene.feed(Input::Configure(spec));
    scene
}

fn words(text: &str) -> Vec<String> {
    text.split(", ").map(str::to_owned).collect()
}

#[test]
fn at_a_start_groups_come_first_then_backups_then_owners_each_as_in_the_file() {
    let scene = started(file(&["O", "A1", "B1", "L1", "L2", "A2", "B2"], &[B, A]));
    let told =
        "*B BACKUP, *A BACKUP, A1 BACKUP, B1 BACKUP, L1 BACKUP, L2 BACKUP, A2 BACKUP, B2 BACKUP, O MASTER";
    assert_eq!(scene.notified(), words(told));
}

#[test]
fn what_starts_in_fault_comes_before_the_groups() {
    let scene = started(file(&["A1", "A2", "L1", "O", "B1", "B2!", "L2!"], &[A, B]));
    let told = "B1 FAULT, B2 FAULT, L2 FAULT, *A BACKUP, *B FAULT, A1 BACKUP, A2 BACKUP, L1 BACKUP, O MASTER";
    assert_eq!(scene.notified(), words(told));
}

#[test]
fn at_a_reload_faults_come_first_then_what_is_gone_then_the_rest_as_at_a_start() {
    let mut scene = started(file(&["A1", "A2", "L1", "L2", "O"], &[A]));
    scene.run(ms(4_000));
    scene.forget();
    scene.feed(Input::Configure(file(&["O", "L3!", "L1!", "A1", "C1", "C2", "A2!"], &[C, A])));
    let told = "L3 FAULT, L1 FAULT, A1 FAULT, A2 FAULT, L2 STOP, *C BACKUP, *A FAULT, C1 BACKUP, C2 BACKUP";
    assert_eq!(scene.notified(), words(told));
    scene.forget();
    scene.feed(Input::Configure(file(&["O", "C1", "L1", "C2", "A1", "A2"], &[C, A])));
    assert_eq!(scene.notified(), words("L3 STOP, *A BACKUP, L1 BACKUP, A1 BACKUP, A2 BACKUP"));
}

#[test]
fn what_a_reload_removes_is_told_in_the_order_of_the_file_before() {
    let mut scene = started(file(&["L1", "B1"], &[]));
    scene.feed(Input::Configure(file(&["O", "A2", "B1", "L1", "A1"], &[A])));
    scene.forget();
    scene.feed(Input::Configure(file(&["L2"], &[])));
    let told = "O STOP, A2 STOP, B1 STOP, L1 STOP, A1 STOP, L2 BACKUP";
    assert_eq!(scene.notified(), words(told));
}

#[test]
fn at_the_end_instances_come_before_groups_each_as_in_the_newest_file() {
    let mut scene = started(file(&["A1", "A2", "L1"], &[A]));
    scene.feed(Input::Configure(file(&["O", "B1", "A1", "B2", "L1", "A2"], &[B, A])));
    scene.forget();
    scene.feed(Input::Stop);
    let told = "O STOP, B1 STOP, A1 STOP, B2 STOP, L1 STOP, A2 STOP, *B STOP, *A STOP";
    assert_eq!(scene.notified(), words(told));
}
