//! The mails about virtual and real servers: those of keepalived, on the same steps, with and without `no_checker_emails`.

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Process, Result};

/// What decides over the checks: two of a server that starts as up, two of one that starts as down (`alpha`).
const PORTS: [u16; 4] = [7001, 7002, 7003, 7004];

fn file(settings: &str) -> String {
    let server = |port: u16, ports: &[u16], more: &str| {
        let check = |port: &u16| {
            format!(
                "    TCP_CHECK {{\n      connect_port {port}\n      connect_timeout 2\n      retry 0\n      warmup 0\n    }}\n"
            )
        };
        let checks: String = ports.iter().map(check).collect();
        format!("  real_server 192.168.0.2 {port} {{\n    weight 1\n{more}{checks}  }}\n")
    };
    format!(
        "global_defs {{\n  router_id LB1\n  smtp_server 127.0.0.1\n  notification_email_from lb1@example.com\n  \
         notification_email {{\n    ops@example.com\n  }}\n{settings}}}\n\
         virtual_server 192.168.0.10 80 {{\n  protocol TCP\n  lb_algo rr\n  lb_kind NAT\n  delay_loop 1\n  smtp_alert\n{}{}}}\n",
        server(80, &PORTS[..2], ""),
        server(81, &PORTS[2..], "    alpha\n"),
    )
}

/// A director, its daemon and its mail server.
struct Desk {
    daemon: Daemon,
    process: Process,
    mails: Process,
}

impl Desk {
    fn open(director: &Host, daemon: Daemon, settings: &str) -> Result<Self> {
        let mails = director.start_with(
            "mail",
            "/usr/bin/aiosmtpd",
            &["-n", "-l", "127.0.0.1:25"],
            &[("PYTHONUNBUFFERED", "1")],
        )?;
        let listening = |table: &String| !table.is_empty();
        let look = || director.check("ss", &["-ltnH", "sport = 25"]);
        wait::until("the mail server", seconds(60), look, listening)?;
        Ok(Self { daemon, process: director.start_daemon(daemon, &file(settings))?, mails })
    }

    /// How many checks it has seen to succeed and to fail, as it says.
    fn verdicts(&self) -> Result<[usize; 2]> {
        let words = match self.daemon {
            Daemon::Keepalived => ["TCP connection to", "TCP_CHECK on service"],
            Daemon::Stayd => ["passed its check", "failed its check"],
        };
        let log = self.process.log()?;
        Ok(words.map(|words| log.lines().filter(|line| line.contains(words)).count()))
    }

    /// The subjects of the mails, and of those of a real server whether a check succeeded or failed, in the order of the
    /// alphabet: nobody promises another.
    fn mails(&self) -> Result<Vec<String>> {
        let log = self.mails.log()?;
        let mut mails: Vec<_> = log
            .split("---------- MESSAGE FOLLOWS ----------")
            .skip(1)
            .filter_map(|mail| {
                let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: "))?;
                let word = if subject.contains("Virtualserver") {
                    ""
                } else if mail.contains("succe") {
                    ": a check succeeded"
                } else {
                    ": a check failed"
                };
                Some(format!("{subject}{word}"))
            })
            .collect();
        mails.sort();
        Ok(mails)
    }
}

#[test]
fn each_check_is_mailed_as_keepalived_does_and_only_each_server_with_no_checker_emails() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let host = lab.host("s1")?;
    host.connect(&lan, "eth0", &["192.168.0.2/24"])?;
    let mut ports = PORTS.map(|port| (port, None));
    for (port, listener) in ports.iter_mut().filter(|(port, _)| *port != 7003) {
        *listener = Some(host.listen(*port)?);
    }
    let mut desks = Vec::new();
    for (number, (settings, daemon)) in ["", "  no_checker_emails\n"]
        .iter()
        .flat_map(|settings| [Daemon::Keepalived, Daemon::Stayd].map(|daemon| (settings, daemon)))
        .enumerate()
    {
        let director = lab.director(&format!("d{number}"))?;
        director.connect(&lan, "eth0", &[&format!("192.168.0.{}/24", 20 + number)])?;
        desks.push(Desk::open(&director, daemon, settings)?);
    }
    let see = |verdicts: [usize; 2]| {
        let look = || desks.iter().map(Desk::verdicts).collect::<Result<Vec<_>>>();
        wait::until(&format!("{verdicts:?} verdicts"), seconds(60), look, |seen| {
            seen.iter().all(|seen| *seen == verdicts)
        })
    };
    // Three succeed; whether the one that fails from the start is told depends on the daemon.
    see([3, 1])?;
    let steps = [(7001, false), (7002, false), (7001, true), (7002, true), (7003, true), (7004, false)];
    let (mut good, mut bad) = (3, 1);
    for (number, opens) in steps {
        for (port, listener) in ports.iter_mut().filter(|(port, _)| *port == number) {
            *listener = if opens { Some(host.listen(*port)?) } else { None };
        }
        good += usize::from(opens);
        bad += usize::from(!opens);
        see([good, bad])?;
    }
    // Three of the virtual server; of the real ones, each change of a check, or each change of theirs.
    for (pair, count) in desks.chunks(2).zip([3 + 7, 3 + 4]) {
        let look = || Ok((pair[0].mails()?, pair[1].mails()?));
        let same = |(theirs, ours): &(Vec<String>, Vec<String>)| theirs == ours && ours.len() == count;
        let found = wait::until("the same mails", seconds(30), look, same)?;
        println!("{}\n", found.0.join("\n"));
    }
    lab.close()
}
