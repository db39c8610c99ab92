//! Every keyword of a virtual server and of its real servers, each in a service of its own, and what a reload changes of it.

use std::fmt::Write as _;

use crate::DECIDE;

/// A virtual server before and after the reload. In the settings, `REAL` begins the lines that go into each real server.
struct Keyword {
    /// Where; a number stands for that port of an IPv4 address.
    head: &'static str,
    reals: [&'static str; 3],
    before: &'static str,
    after: &'static str,
}

const V4: [&str; 3] = ["192.168.1.1 80", "192.168.1.2 80", "192.168.1.3 80"];
const V6: [&str; 3] = ["fd01::1 80", "fd01::2 80", "fd01::3 80"];
const BARE: [&str; 3] = ["192.168.1.1", "192.168.1.2", "192.168.1.3"];
const BARE6: [&str; 3] = ["fd01::1", "fd01::2", "fd01::3"];

const fn v4(before: &'static str, after: &'static str) -> Keyword {
    Keyword { head: "", reals: V4, before, after }
}

const fn v6(head: &'static str, before: &'static str, after: &'static str) -> Keyword {
    Keyword { head, reals: V6, before, after }
}

const KEYWORDS: &[Keyword] = &[
    // Every scheduler, and from each to the next.
    v4("lb_algo rr", "lb_algo wrr"),
    v4("lb_algo wrr", "lb_algo lc"),
    v4("lb_algo lc", "lb_algo wlc"),
    v4("lb_algo wlc", "lb_algo lblc"),
    v4("lb_algo lblc", "lb_algo sh"),
    v4("lb_algo sh", "lb_algo mh"),
    v4("lb_algo mh", "lb_algo dh"),
    v4("lb_algo dh", "lb_algo fo"),
    v4("lb_algo fo", "lb_algo ovf"),
    v4("lb_algo ovf", "lb_algo lblcr"),
    v4("lb_algo lblcr", "lb_algo sed"),
    v4("lb_algo sed", "lb_algo nq"),
    v4("lb_algo nq", "lb_algo rr"),
    v4("lvs_sched rr\nlvs_method DR", "lvs_sched lc\nlvs_method DR"),
    // Their flags.
    v4("lb_algo sh\nsh-port", "lb_algo sh\nsh-port\nsh-fallback"),
    v4("lb_algo sh\nsh-fallback", "lb_algo sh"),
    v4("lb_algo mh\nmh-port", "lb_algo mh\nmh-fallback"),
    v4("lb_algo mh", "lb_algo mh\nmh-fallback\nmh-port"),
    v4("lb_algo wlc\nflag-1", "lb_algo wlc\nflag-2\nflag-3"),
    v4("lb_algo sh\nflag-1\nflag-2\nflag-3", "lb_algo wrr"),
    v4("lb_algo sh\nhashed", "lb_algo sh\nsh-port"),
    v4("lb_algo rr\nprotocol UDP\nops", "lb_algo rr\nprotocol UDP"),
    v4("lb_algo rr\nprotocol UDP", "lb_algo rr\nprotocol UDP\nops"),
    // Persistence.
    v4("persistence_timeout 100", "persistence_timeout 200"),
    v4("persistence_timeout", ""),
    v4("", "persistence_timeout 300"),
    v4(
        "persistence_timeout 100\npersistence_granularity 255.255.255.0",
        "persistence_timeout 100\npersistence_granularity 255.255.0.0",
    ),
    v4("persistence_timeout 100\npersistence_granularity 255.255.255.0", "persistence_timeout 100"),
    v4("persistence_timeout 100", "persistence_timeout 100\npersistence_granularity 255.0.255.0"),
    v4(
        "protocol UDP\npersistence_engine sip\npersistence_timeout 50",
        "protocol UDP\npersistence_engine sip\npersistence_timeout 60",
    ),
    v4(
        "protocol UDP\npersistence_timeout 50",
        "protocol UDP\npersistence_engine sip\npersistence_timeout 50",
    ),
    // Ways to a server.
    v4("lb_kind NAT", "lb_kind DR"),
    v4("lb_kind DR", "lb_kind TUN"),
    v4("lb_kind TUN", "lb_kind NAT"),
    v4("lb_kind TUN type ipip", "lb_kind TUN type gue port 6080"),
    v4("lb_kind TUN type gue port 6080", "lb_kind TUN type gue port 6081 csum"),
    v4("lb_kind TUN type gue port 6080 remcsum", "lb_kind TUN type gue port 6080 nocsum"),
    v4("lb_kind TUN type gre", "lb_kind TUN type gre csum"),
    v4("lb_kind TUN type gre csum", "lb_kind TUN type ipip"),
    v4("lb_kind NAT\nREAL lvs_method DR", "lb_kind NAT\nREAL lvs_method TUN type gue port 7000 csum"),
    v4("lb_kind DR\nREAL lvs_method TUN", "lb_kind DR"),
    // Options that a tunnel does not have.
    v4("lb_kind TUN type gre remcsum", "lb_kind TUN type ipip csum"),
    v4("lb_kind TUN type gue", "lb_kind TUN type gre port 8"),
    v4(
        "lb_kind TUN type gre csum\nREAL lvs_method TUN type gre remcsum",
        "lb_kind DR\nREAL lvs_method TUN type gue",
    ),
    v4("lb_kind DR\nREAL lvs_method TUN other", "lb_kind NAT\nREAL lvs_method OTHER"),
    // Protocols.
    v4("protocol SCTP\nlb_kind DR", "protocol SCTP\nlb_kind DR\nlb_algo lc"),
    v4("protocol TCP", "protocol SCTP"),
    v4("protocol UDP\nlb_algo sed", "protocol UDP\nlb_algo nq"),
    // Weights and limits. (What a reload does to limits is a difference.)
    v4("weight 5", "weight 7"),
    v4("weight 5\nREAL weight 0", "weight 5\nREAL weight 3"),
    v4("REAL weight 3", "REAL weight 0"),
    v4("REAL uthreshold 20\nREAL lthreshold 5", "REAL uthreshold 20\nREAL lthreshold 5\nREAL weight 2"),
    v4("REAL uthreshold 20", "REAL uthreshold 20"),
    // Health to table.
    v4("inhibit_on_failure", ""),
    v4("", "inhibit_on_failure"),
    v4("REAL inhibit_on_failure", "REAL inhibit_on_failure false"),
    v4("inhibit_on_failure\nREAL inhibit_on_failure no", "inhibit_on_failure"),
    v4("alpha", ""),
    v4("", "alpha"),
    v4("REAL alpha", "alpha\nREAL alpha no"),
    v4("omega", ""),
    v4("quorum 2\nsorry_server 192.168.1.8 80", "quorum 3\nsorry_server 192.168.1.8 80"),
    v4(
        "quorum 3\nhysteresis 2\nsorry_server 192.168.1.8 80",
        "quorum 2\nhysteresis 0\nsorry_server 192.168.1.8 80",
    ),
    v4("quorum 2\nsorry_server 192.168.1.8 80", "quorum 2\nsorry_server 192.168.1.9 80"),
    v4("quorum 3\nsorry_server 192.168.1.8 80", "quorum 3"),
    v4("quorum 3", "quorum 3\nsorry_server 192.168.1.8 8080"),
    v4(
        "quorum 3\nsorry_server 192.168.1.8 80\nsorry_server_inhibit",
        "quorum 3\nsorry_server 192.168.1.8 80\nsorry_server_inhibit\nlb_algo lc",
    ),
    v4(
        "quorum 3\nsorry_server 192.168.1.8 80\nsorry_server_lvs_method DR",
        "quorum 3\nsorry_server 192.168.1.8 80\nsorry_server_lvs_method TUN type gre",
    ),
    v4("quorum 9\nsorry_server 192.168.1.8 80", "quorum 9\nsorry_server 192.168.1.8 80\nweight 4"),
    // Firewall marks.
    Keyword { head: "fwmark 21", reals: BARE, before: "lb_kind DR", after: "lb_kind DR\nlb_algo lc" },
    Keyword {
        head: "fwmark 22",
        reals: BARE,
        before: "lb_kind NAT\npersistence_timeout 60",
        after: "lb_kind NAT",
    },
    Keyword { head: "fwmark 23", reals: V4, before: "lb_kind NAT\nops", after: "lb_kind NAT\nweight 3" },
    Keyword {
        head: "fwmark 24",
        reals: BARE6,
        before: "ip_family inet6\nlb_kind DR\npersistence_timeout 80\npersistence_granularity 48",
        after: "ip_family inet6\nlb_kind DR\npersistence_timeout 80\npersistence_granularity 64",
    },
    Keyword { head: "fwmark 25", reals: BARE6, before: "lb_kind TUN type gre", after: "lb_kind TUN" },
    // Groups.
    Keyword {
        head: "group RANGES",
        reals: V4,
        before: "lb_kind DR",
        after: "lb_kind DR\nlb_algo wrr\nREAL weight 4",
    },
    Keyword {
        head: "group MARKS",
        reals: BARE,
        before: "lb_kind DR",
        after: "lb_kind DR\npersistence_timeout 40",
    },
    Keyword {
        head: "group SIX",
        reals: V6,
        before: "lb_kind NAT\nquorum 3\nsorry_server fd01::8 80",
        after: "lb_kind NAT",
    },
    Keyword {
        head: "group NOPORT",
        reals: BARE,
        before: "lb_kind DR",
        after: "lb_kind DR\npersistence_timeout 40",
    },
    // IPv6, and both families in one service.
    v6("fd00:9::10 80", "lb_kind NAT", "lb_kind DR"),
    v6(
        "fd00:9::11 80",
        "lb_algo sh\npersistence_timeout 40\npersistence_granularity 64",
        "lb_algo sh\npersistence_timeout 40\npersistence_granularity 56",
    ),
    v6("fd00:9::12 80", "lb_kind TUN type gue port 6080", "lb_kind TUN type ipip"),
    v6("fd00:9::13 53", "protocol UDP\nops", "protocol UDP"),
    v6("fd00:9::14 80", "protocol SCTP\nquorum 3\nsorry_server fd01::8 80", "protocol SCTP\nquorum 3"),
    v6("10.9.2.1 1", "lb_kind TUN", "lb_kind TUN type gre"),
    Keyword { head: "fd00:9::15 80", reals: V4, before: "lb_kind TUN", after: "lb_kind TUN\nweight 3" },
    // No port.
    Keyword {
        head: "10.9.2.2",
        reals: BARE,
        before: "lb_kind DR\npersistence_timeout 60",
        after: "lb_kind DR\npersistence_timeout 50",
    },
];

const GROUPS: &str = "virtual_server_group RANGES {\n  10.9.3.1 80\n  10.9.3.2-4 81\n  10.9.3.8/30 82\n}\n\
                      virtual_server_group MARKS {\n  fwmark 31\n  fwmark 32\n}\n\
                      virtual_server_group SIX {\n  fd00:9::20 80\n  fd00:9::30-32 81\n}\n\
                      virtual_server_group NOPORT {\n  10.9.3.20\n  10.9.3.21-22\n}\n";

/// All of them, before or after the reload.
pub fn file(after: bool) -> String {
    let mut text = GROUPS.to_owned();
    for (number, keyword) in KEYWORDS.iter().enumerate() {
        let settings = if after { keyword.after } else { keyword.before };
        let head = if keyword.head.is_empty() {
            format!("10.9.2.0 {}", 1000 + number)
        } else {
            keyword.head.to_owned()
        };
        let (real, own): (Vec<_>, Vec<_>) = settings.lines().partition(|line| line.starts_with("REAL "));
        let mut own = own;
        for (keyword, default) in
            [("lb_algo", "lb_algo rr"), ("lb_kind", "lb_kind NAT"), ("protocol", "protocol TCP")]
        {
            let other = keyword.replace("lb_algo", "lvs_sched").replace("lb_kind", "lvs_method");
            let given = |line: &&str| line.starts_with(keyword) || line.starts_with(&other);
            let without = keyword == "protocol" && head.starts_with("fwmark");
            if !without && !own.iter().any(given) {
                own.insert(0, default);
            }
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "virtual_server {head} {{\n  delay_loop 1\n  {}\n", own.join("\n  "));
        let real: Vec<_> = real.iter().map(|line| &line[5..]).collect();
        for (address, port) in keyword.reals.iter().zip(DECIDE) {
            let _ = write!(
                text,
                "  real_server {address} {{\n    {}\n    TCP_CHECK {{\n      connect_ip 192.168.0.2\n      connect_port \
                 {port}\n      connect_timeout 2\n      retry 0\n    }}\n  }}\n",
                real.join("\n    ")
            );
        }
        text += "}\n";
    }
    text
}
