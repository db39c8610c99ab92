//! A rolling change of the virtual addresses: the file is changed and reloaded on one director, then on the other. While
//! the lists differ, nobody takes the other for no master.

use std::net::IpAddr;

use lab::wait;
use lab::{Daemon, Host, Result, now};
use nix::sys::signal::Signal;

use crate::stage::{Cast, Family, LIMIT, PRIORITIES, Stage, with_casts};

const CASTS: [Cast; 3] = [
    [Daemon::Stayd, Daemon::Stayd],
    [Daemon::Stayd, Daemon::Keepalived],
    [Daemon::Keepalived, Daemon::Stayd],
];

/// The lists, one after the other, each with the director that gets it first.
const LISTS: [(usize, &[u8]); 4] = [(0, &[10]), (1, &[10, 12, 13]), (0, &[13, 12]), (1, &[11, 10])];

fn address(family: Family, last: u8) -> String {
    match family {
        Family::V4 => format!("192.168.0.{last}"),
        Family::V6 => format!("fd00::{last}"),
    }
}

fn text(family: Family, director: usize, settings: &str, list: &[u8]) -> String {
    let first = if family == Family::V6 { "    fe80::10\n" } else { "" };
    let addresses = list.iter().map(|last| address(family, *last)).collect::<Vec<_>>().join("\n    ");
    format!(
        "vrrp_instance VI {{\n  interface eth0\n  virtual_router_id 51\n  priority {}\n{settings}\n  virtual_ipaddress \
         {{\n{first}    {addresses}\n  }}\n}}\n",
        PRIORITIES[director]
    )
}

/// Waits until the master advertises this list of a family, twice, and has just these addresses.
fn settled(stage: &Stage, list: &[u8]) -> Result {
    let (family, from) = (stage.family, now());
    let wanted: Vec<IpAddr> = list.iter().map(|last| address(family, *last).parse().unwrap()).collect();
    let count = || {
        let adverts = stage.adverts(0).into_iter().filter(|advert| advert.at > from);
        Ok(adverts.filter(|advert| advert.addresses.ends_with(&wanted)).count())
    };
    wait::until(&format!("two adverts of {wanted:?}"), LIMIT, count, |count| *count >= 2)?;
    let held = |host: &Host| {
        let all = host.addresses()?.into_iter().map(|view| view.address.addr());
        let mut virtual_ones: Vec<_> =
            all.filter(|held| (10..=13).any(|last| address(family, last).parse() == Ok(*held))).collect();
        virtual_ones.sort();
        Ok(virtual_ones)
    };
    let mut sorted = wanted.clone();
    sorted.sort();
    wait::until("the addresses of the list", LIMIT, || held(&stage.directors[0]), |held| *held == sorted)?;
    assert_eq!(held(&stage.directors[1])?, Vec::<IpAddr>::new(), "the backup holds nothing");
    Ok(())
}

fn rollout(family: Family, settings: &str) -> Result {
    with_casts(&CASTS, family, |stage, cast: Cast| {
        let (_, first) = LISTS[0];
        let start = |director: usize| {
            stage.directors[director].start_daemon(cast[director], &text(family, director, settings, first))
        };
        let mut processes = vec![start(0)?];
        stage.directors[0].wait_for_address(&address(family, 10), LIMIT)?;
        processes.push(start(1)?);
        settled(stage, first)?;
        let from = now();
        for window in LISTS.windows(2) {
            let [(_, old), (earlier, new)] = window else { unreachable!("windows of two") };
            for director in [*earlier, 1 - *earlier] {
                let file = format!("{}.conf", cast[director].name());
                stage.directors[director].write(&file, &text(family, director, settings, new))?;
                processes[director].signal(Signal::SIGHUP)?;
                settled(stage, if director == 1 && *earlier == 1 { old } else { new })?;
            }
        }
        let others: Vec<_> = stage
            .wire
            .adverts()
            .into_iter()
            .filter(|advert| advert.at > from && advert.priority != PRIORITIES[0])
            .collect();
        assert_eq!(others, [], "{cast:?}: one master all the time");
        let times: Vec<_> = stage.adverts(0).iter().map(|advert| advert.at).filter(|at| *at > from).collect();
        let longest = times.windows(2).map(|two| two[1].saturating_since(two[0])).max();
        println!("{cast:?}: the longest time between two adverts was {longest:?}");
        Ok(())
    })
}

#[test]
fn the_addresses_of_version_2_change_under_one_master() -> Result {
    let password = "  advert_int 1\n  authentication {\n    auth_type PASS\n    auth_pass root123\n  }";
    rollout(Family::V4, password)
}

#[test]
fn the_addresses_of_version_3_change_under_one_master() -> Result {
    rollout(Family::V4, "  version 3\n  advert_int 0.5")
}

#[test]
fn addresses_of_ipv6_change_under_one_master() -> Result {
    rollout(Family::V6, "  advert_int 0.5")
}

#[test]
fn addresses_on_vmacs_change_under_one_master() -> Result {
    rollout(Family::V4, "  version 3\n  advert_int 0.5\n  use_vmac")
}
