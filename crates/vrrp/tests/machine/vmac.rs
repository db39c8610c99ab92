//! Instances with a VMAC: where they listen.

use vrrp::{Action, IfIndex, Input, InstanceSpec, VmacKind, VmacSpec};

use crate::scene::{OWN, Scene, index, link, spec};

fn with_vmac(transmit_on_base: bool) -> InstanceSpec {
    let spec = spec();
    let vmac = VmacSpec {
        name: "vrrp.51".to_owned(),
        kind: VmacKind::standard(spec.family, spec.vrid),
        group: 0,
        transmit_on_base,
        netlink_notify: false,
    };
    InstanceSpec { vmac: Some(vmac), ..spec }
}

/// On which interfaces it began and ceased to listen.
fn heard_on(scene: &Scene) -> (Vec<IfIndex>, Vec<IfIndex>) {
    let (mut began, mut ceased) = (vec![], vec![]);
    for action in &scene.log {
        match action {
            Action::Listen(membership) => began.push(membership.interface),
            Action::Unlisten(membership) => ceased.push(membership.interface),
            _ => {}
        }
    }
    (began, ceased)
}

fn started(spec: InstanceSpec) -> Scene {
    let mut scene = Scene::before_start();
    scene.feed(Input::Links(vec![link(2, "eth0", true, &[OWN]), link(3, "vrrp.51", true, &[])]));
    scene.feed(Input::Configure(vec![spec].into()));
    scene
}

#[test]
fn adverts_are_received_on_the_vmac_that_sends_them() {
    let mut scene = started(with_vmac(false));
    assert_eq!(heard_on(&scene), (vec![index(3)], vec![]));
    scene.forget();
    // It is made anew.
    scene.feed(Input::LinkGone(index(3)));
    assert_eq!(heard_on(&scene), (vec![], vec![index(3)]));
    scene.feed(Input::Link(link(4, "vrrp.51", true, &[])));
    assert_eq!(heard_on(&scene), (vec![index(4)], vec![index(3)]));
}

#[test]
fn with_vmac_xmit_base_they_are_received_on_the_interface_below() {
    assert_eq!(heard_on(&started(with_vmac(true))), (vec![index(2)], vec![]));
}
