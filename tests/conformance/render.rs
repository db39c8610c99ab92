//! Actions as text, one a line.

use vrrp::{Action, Advert, AuthenticationData, Held, Protocol, Send};

/// A line for an action; none for what says nothing about the protocol.
pub fn action(action: &Action, interface: impl Fn(vrrp::IfIndex) -> String) -> String {
    match action {
        Action::Send(send) => format!("send on {} {}", interface(send.interface), advert(send)),
        Action::Want(want) => format!("want {}; absent {}", list(&want.present), list(&want.absent)),
        Action::Announce(announce) => {
            format!("announce {} on {}", announce.address, interface(announce.interface))
        }
        Action::Listen(membership) => format!("listen {}", self::membership(*membership, interface)),
        Action::Unlisten(membership) => format!("unlisten {}", self::membership(*membership, interface)),
        Action::Notify(transition) => format!("notify {transition}"),
        Action::Emit(event) => format!("tell {event}"),
    }
}

fn membership(membership: vrrp::Membership, interface: impl Fn(vrrp::IfIndex) -> String) -> String {
    let group = membership.group.map_or("unicast".to_owned(), |group| group.to_string());
    format!("{} {group} {:?}", interface(membership.interface), membership.protocol)
}

fn list(held: &[Held]) -> String {
    let names = held.iter().map(|held| match held {
        Held::Address(address) => {
            format!("{}/{} on {}", address.address, address.prefix_len, address.interface)
        }
        other => format!("{other:?}"),
    });
    let names: Vec<_> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn advert(send: &Send) -> String {
    let header = match send.protocol {
        Protocol::Vrrp => 0,
        Protocol::Ah => 24,
    };
    let Ok(advert) = Advert::read(&send.payload[header..], send.source, send.destination) else {
        return format!("to {} ttl {}: {} bytes", send.destination, send.ttl, send.payload.len());
    };
    let addresses: Vec<_> = advert.addresses.iter().map(ToString::to_string).collect();
    let proof = match (send.protocol, &advert.authentication) {
        (Protocol::Ah, _) => " behind an authentication header",
        (Protocol::Vrrp, AuthenticationData::Password(_)) => " with a password",
        (Protocol::Vrrp, AuthenticationData::None | AuthenticationData::Ah) => "",
    };
    format!(
        "from {} to {} ttl {}: version {} vrid {} priority {} interval {} of {}{proof}",
        send.source,
        send.destination,
        send.ttl,
        advert.version.get(),
        advert.vrid,
        advert.priority,
        advert.interval,
        if addresses.is_empty() { "nothing".to_owned() } else { addresses.join(", ") },
    )
}
