//! What is and what should be.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use super::plan::Actual;
use super::step::Item;
use super::sysctl::{Setting, Sysctl};

/// One thing that can be right or wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    pub what: String,
    pub is: String,
    pub should_be: String,
    pub right: bool,
}

/// A row for each address, for each sysctl if one of them is an IPv4 address, and for whatever else is wrong.
pub fn rows(vips: &BTreeSet<IpAddr>, actual: &Actual) -> Vec<Row> {
    let mut rows: Vec<Row> = vips.iter().map(|vip| address(*vip, actual)).collect();
    if !actual.loopback_up {
        rows.push(Row { what: "lo".into(), is: "down".into(), should_be: "up".into(), right: false });
    }
    if vips.iter().any(IpAddr::is_ipv4) {
        rows.extend(Sysctl::ALL.into_iter().map(|sysctl| required(sysctl, actual)));
        rows.extend(
            actual
                .interfaces
                .iter()
                .filter_map(|((interface, setting), value)| overriding(interface, *setting, *value, actual)),
        );
    }
    rows
}

fn address(vip: IpAddr, actual: &Actual) -> Row {
    let list = |items: Vec<Item>| {
        let names: Vec<_> = items
            .iter()
            .map(|item| match item {
                Item::Address(_) => "address",
                Item::Route(_) => "route",
            })
            .collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let should_be = list(Item::of(vip).collect());
    let is = list(Item::of(vip).filter(|item| actual.has(*item)).collect());
    Row { what: format!("{vip} on lo"), right: is == should_be, is, should_be }
}

fn required(sysctl: Sysctl, actual: &Actual) -> Row {
    let (setting, value) = (sysctl.setting(), actual.sysctl(sysctl));
    Row {
        what: sysctl.to_string(),
        is: value.to_string(),
        should_be: setting.wanted().to_string(),
        right: setting.suffices(value),
    }
}

/// An interface whose own value is in force, because it is larger, and does not suffice.
fn overriding(interface: &str, setting: Setting, value: i32, actual: &Actual) -> Option<Row> {
    let all = actual.sysctl(Sysctl::of_all(setting));
    (value > all && setting.suffices(all) && !setting.suffices(value)).then(|| Row {
        what: setting.of(interface),
        is: value.to_string(),
        should_be: format!("at most {all}"),
        right: false,
    })
}

/// As a sentence.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: is {}, should be {}", self.what, self.is, self.should_be)
    }
}

/// The rows below a heading.
pub fn table(rows: &[Row]) -> String {
    let heading = ["", "IS", "SHOULD BE", ""];
    let cells = rows.iter().map(|row| {
        [row.what.as_str(), row.is.as_str(), row.should_be.as_str(), if row.right { "ok" } else { "WRONG" }]
    });
    let lines: Vec<_> = std::iter::once(heading).chain(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
    let [a, b, c] = [width(0), width(1), width(2)];
    lines
        .iter()
        .map(|[what, is, should_be, verdict]| format!("{what:a$}  {is:b$}  {should_be:c$}  {verdict}"))
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actual(ignore: i32, announce: i32) -> Actual {
        Actual {
            loopback_up: true,
            addresses: [("192.168.0.10".parse().unwrap(), 32), ("2001:db8::10".parse().unwrap(), 128)].into(),
            routes: ["192.168.0.10".parse().unwrap()].into(),
            sysctls: Sysctl::ALL
                .map(|sysctl| {
                    (sysctl, if sysctl.setting() == Setting::ArpIgnore { ignore } else { announce })
                })
                .into(),
            ..Actual::default()
        }
    }

    fn wrong(texts: &[&str], actual: &Actual) -> Vec<String> {
        let vips = texts.iter().map(|text| text.parse().unwrap()).collect();
        rows(&vips, actual).iter().filter(|row| !row.right).map(Row::to_string).collect()
    }

    #[test]
    fn the_table_has_a_line_for_each_address_and_each_sysctl() {
        let vips = ["192.168.0.10", "192.168.0.11"].map(|text| text.parse().unwrap()).into();
        let expected = [
            "                                IS              SHOULD BE",
            "192.168.0.10 on lo              address, route  address, route  ok",
            "192.168.0.11 on lo              nothing         address, route  WRONG",
            "net.ipv4.conf.all.arp_ignore    2               1               ok",
            "net.ipv4.conf.all.arp_announce  1               2               WRONG",
            "net.ipv4.conf.lo.arp_ignore     2               1               ok",
            "net.ipv4.conf.lo.arp_announce   1               2               WRONG",
        ];
        let table = table(&rows(&vips, &actual(2, 1)));
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_right_gives_nothing_to_complain_of() {
        assert_eq!(wrong(&["192.168.0.10", "2001:db8::10"], &actual(1, 2)), [""; 0]);
    }

    #[test]
    fn the_sysctls_of_arp_are_nothing_to_an_ipv6_address() {
        assert_eq!(wrong(&["2001:db8::10"], &actual(0, 0)), [""; 0]);
    }

    #[test]
    fn an_address_without_its_route_is_wrong() {
        let mut actual = actual(1, 2);
        actual.routes.clear();
        let expected = ["192.168.0.10 on lo: is address, should be address, route"];
        assert_eq!(wrong(&["192.168.0.10", "2001:db8::10"], &actual), expected);
    }

    #[test]
    fn a_loopback_that_is_down_is_wrong() {
        let actual = Actual { loopback_up: false, ..actual(1, 2) };
        assert_eq!(wrong(&["192.168.0.10"], &actual), ["lo: is down, should be up"]);
    }

    #[test]
    fn an_interface_that_overrides_all_is_wrong_if_its_value_does_not_suffice() {
        let mut actual = actual(1, 2);
        for (interface, setting, value) in [
            ("eth0", Setting::ArpIgnore, 3),
            ("eth1", Setting::ArpIgnore, 2),
            ("eth2", Setting::ArpIgnore, 0),
            ("eth3.7", Setting::ArpAnnounce, 4),
        ] {
            actual.interfaces.insert((interface.to_owned(), setting), value);
        }
        let expected = [
            "net.ipv4.conf.eth0.arp_ignore: is 3, should be at most 1",
            "net.ipv4.conf.eth3/7.arp_announce: is 4, should be at most 2",
        ];
        assert_eq!(wrong(&["192.168.0.10"], &actual), expected);
    }
}
