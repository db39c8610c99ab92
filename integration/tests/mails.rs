//! What a Debian mail server (OpenSMTPD) has delivered to its mailboxes, line by line: first with keepalived, then with stayd,
//! from the same files and through the same events.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use lab::wait::{self, seconds};
use lab::{Daemon, Host, Lab, Lan, Process, Result};

const BOTH: [Daemon; 2] = [Daemon::Keepalived, Daemon::Stayd];

const SERVER: &str = "192.168.1.25";

/// Every mail to anybody is kept, each recipient's in a folder of its own.
const SMTPD: &str = "\
table everybody { \"@\" = \"daemon\" }
listen on eth0 port 25
action \"keep\" maildir \"/run/mails/%{dest.user}\" virtual <everybody>
match from any for any action \"keep\"
";

/// A host that takes mails.
struct Mailboxes {
    host: Host,
    server: Process,
}

impl Mailboxes {
    fn open(lab: &Lab, lan: &Lan, name: &str) -> Result<Self> {
        let host = lab.host(name)?;
        host.connect(lan, "eth0", &[&format!("{SERVER}/24")])?;
        // Its queue is at a place that is built in.
        let line =
            "mount -t tmpfs queue /var/spool && mkdir -m 711 /var/spool/smtpd && mkdir -m 777 /run/mails";
        host.check("sh", &["-c", line])?;
        let server = Self::serve(&host, "smtpd")?;
        Ok(Self { host, server })
    }

    fn serve(host: &Host, log: &str) -> Result<Process> {
        let file = host.write("smtpd.conf", SMTPD)?.display().to_string();
        host.check("chmod", &["600", &file])?;
        let server = host.start(log, "/usr/sbin/smtpd", &["-d", "-f", &file])?;
        let listens = || host.run("ss", &["-ltnH", "sport = 25"]);
        wait::until("the mail server", seconds(30), listens, |output| !output.stdout.is_empty())?;
        Ok(server)
    }

    /// Throws all mails away, and counts from 0 again.
    fn empty(&mut self, log: &str) -> Result {
        self.server.stop(seconds(20))?;
        self.host.check("sh", &["-c", "rm -rf /run/mails/*"])?;
        self.server = Self::serve(&self.host, log)?;
        Ok(())
    }

    /// The mails once there are so many and nothing is on its way, sorted: nobody promises an order.
    fn read(&self, count: usize, director: &Host) -> Result<Vec<String>> {
        let what = format!("{count} mails");
        let log = wait::until(
            &what,
            seconds(60),
            || self.server.log(),
            |log| {
                let seen = |text: &str| log.lines().filter(|line| line.contains(text)).count();
                seen("result=Ok") >= count
                    && seen("smtp envelope") == seen("mda delivery")
                    && seen("smtp connected") == seen("smtp disconnected")
            },
        );
        let script = "for mail in /run/mails/*/new/*; do echo '=== mail'; cat $mail; done";
        let text = self.host.check("sh", &["-c", script])?;
        // The hosts of the two runs have names of their own.
        let text = text.replace(director.name(), "DIRECTOR").replace(self.host.name(), "MAILBOXES");
        let mut mails: Vec<_> = text.split("=== mail\n").skip(1).map(masked).collect();
        mails.sort();
        assert!(
            log.is_ok() && mails.len() >= count,
            "{count} mails were expected:\n{}{log:?}",
            mails.join("\n")
        );
        Ok(mails)
    }
}

/// A mail without its times, and without the numbers that the server gives it.
fn masked(mail: &str) -> String {
    let mut masked = String::new();
    for line in mail.lines() {
        let kept = if line.starts_with("Date: ") || line.starts_with('\t') && line.ends_with("(UTC)") {
            shape(line)
        } else if let Some((before, _)) = line.split_once(" id ").filter(|_| line.starts_with('\t')) {
            before.to_owned()
        } else if line.starts_with("Message-ID: ") {
            "Message-ID".to_owned()
        } else {
            line.to_owned()
        };
        masked += &kept;
        masked.push('\n');
    }
    masked
}

/// Digits and letters of a time for their kind.
fn shape(line: &str) -> String {
    let of = |c: char| match c {
        '0'..='9' => '0',
        'a'..='z' | 'A'..='Z' => 'a',
        other => other,
    };
    line.chars().map(of).collect()
}

/// Lets a host know its own name in full, as directors do.
fn know_its_name(host: &Host) -> Result {
    let line = "echo \"127.0.0.1 localhost\n192.168.1.20 $(hostname).example.com $(hostname)\" >/run/hosts && \
                mount --bind /run/hosts /etc/hosts";
    host.check("sh", &["-c", line]).map(drop)
}

/// Whom mails come from and go to, and more of `global_defs`.
fn globals(more: &str) -> String {
    format!(
        "global_defs {{\n  script_user root\n  router_id LB1\n  smtp_server {SERVER}\n  \
         notification_email {{\n    ops@example.com\n    \
         noc@example.com\n  }}\n{more}}}\n"
    )
}

/// What is written in the mails is each daemon's own; all else is the same.
#[track_caller]
fn compare(theirs: &[String], ours: &[String]) {
    println!("{}", ours.join("\n"));
    let heads = |mails: &[String]| -> Vec<String> {
        let head = |mail: &String| {
            let (head, body) = mail.split_once("\n\n").unwrap();
            assert!(!body.trim().is_empty(), "{mail}");
            head.to_owned()
        };
        mails.iter().map(head).collect()
    };
    assert_eq!(heads(ours), heads(theirs));
}

fn instance(number: u8, more: &str) -> String {
    format!(
        "vrrp_instance V{number} {{\n  interface eth0\n  virtual_router_id {number}\n  priority 10{number}\n  \
         virtual_ipaddress {{\n    192.168.0.10{number}\n  }}\n{more}}}\n"
    )
}

/// The mails of a start, a fault, a recovery and a stop, of two instances and a third that is in a group. So many go out.
fn of_instances(global: &str, [first, second, third, group]: [&str; 4], count: usize) -> Result {
    let lab = Lab::native()?;
    let text = format!(
        "{}{}{}{}vrrp_sync_group G {{\n  group {{\n    V3\n  }}\n{group}}}\n",
        globals(global),
        instance(1, first),
        instance(2, second),
        instance(3, third)
    );
    let mut received = Vec::new();
    for daemon in BOTH {
        let short = &daemon.name()[..1];
        let (lan, post) = (lab.lan(&format!("lan-{short}"))?, lab.lan(&format!("post-{short}"))?);
        // One name for both: it stands in the mails.
        let host = lab.host(&format!("d-{short}"))?;
        host.connect(&lan, "eth0", &["192.168.0.20/24"])?;
        host.connect(&post, "eth1", &["192.168.1.20/24"])?;
        know_its_name(&host)?;
        let mailboxes = Mailboxes::open(&lab, &post, &format!("mail-{short}"))?;
        let process = host.start_daemon(daemon, &text)?;
        let all_there = || {
            (1..=3)
                .try_for_each(|number| host.wait_for_address(&format!("192.168.0.10{number}"), seconds(30)))
        };
        all_there()?;
        host.cut("eth0")?;
        for number in 1..=3 {
            host.wait_for_no_address(&format!("192.168.0.10{number}"), seconds(30))?;
        }
        host.heal("eth0")?;
        all_there()?;
        mailboxes.read(count, &host)?;
        process.stop(seconds(20))?;
        received.push(mailboxes.read(count, &host)?);
    }
    compare(&received[0], &received[1]);
    lab.close()
}

#[test]
fn instances_and_groups_write_to_all_recipients_what_keepalived_writes() -> Result {
    of_instances(
        "  smtp_alert true\n  notification_email_from lb1@example.com\n",
        ["", "  smtp_alert false\n", "", ""],
        2,
    )
}

#[test]
fn faults_are_left_out_and_single_instances_write_as_with_keepalived() -> Result {
    let globals = "  no_email_faults\n  smtp_helo_name director.example.com\n  smtp_connect_timeout 5\n";
    of_instances(globals, ["  smtp_alert\n", "", "", "  smtp_alert\n"], 2)
}

#[test]
fn a_default_for_vrrp_alone_is_keepalived_s() -> Result {
    of_instances("  smtp_alert_vrrp true\n  smtp_alert false\n", ["", "", "  smtp_alert false\n", ""], 2)
}

/// One service with two servers of which it needs both.
fn service(service: &str, [first, second]: [&str; 2]) -> String {
    let server = |address: u8, more: &str| {
        format!(
            "  real_server 192.168.0.{address} 80 {{\n{more}    TCP_CHECK {{\n      connect_timeout 2\n      retry 0\n    \
             }}\n  }}\n"
        )
    };
    format!(
        "virtual_server 192.168.0.10 80 {{\n  protocol TCP\n  lb_algo rr\n  lb_kind DR\n  delay_loop 1\n  quorum 2\n\
         {service}{}{}}}\n",
        server(2, first),
        server(3, second)
    )
}

#[test]
fn servers_and_services_write_what_keepalived_writes() -> Result {
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    let servers = [lab.host("s2")?, lab.host("s3")?];
    servers[0].connect(&lan, "eth0", &["192.168.0.2/24"])?;
    servers[1].connect(&lan, "eth0", &["192.168.0.3/24"])?;
    let mut mailboxes = Mailboxes::open(&lab, &lan, "post")?;
    let director = lab.director("d1")?;
    director.connect(&lan, "eth0", &["192.168.0.20/24", "192.168.1.20/24"])?;
    know_its_name(&director)?;
    for (name, global, of_service, of_each, count) in [
        ("usual", "", "", ["", ""], 4),
        ("all", "  smtp_alert_checker true\n", "", ["", "    smtp_alert false\n"], 4),
        ("some", "  smtp_alert false\n", "  smtp_alert\n", ["", "    smtp_alert\n"], 8),
        ("few", "  no_checker_emails\n", "  smtp_alert true\n", ["", ""], 4),
    ] {
        let text = globals(global) + &service(of_service, of_each);
        let mut received = Vec::new();
        for daemon in BOTH {
            mailboxes.empty(&format!("smtpd-{name}-{}", daemon.name()))?;
            let (_first, second) = (servers[0].listen(80)?, servers[1].listen(80)?);
            let process = director.start_daemon(daemon, &text)?;
            let there = |count: usize| {
                director.wait_for_ipvs("servers", seconds(30), |table| {
                    table.lines().filter(|line| line.starts_with("-a")).count() == count
                })
            };
            there(2)?;
            drop(second);
            there(1)?;
            let _second = servers[1].listen(80)?;
            there(2)?;
            mailboxes.read(count, &director)?;
            process.stop(seconds(20))?;
            received.push(mailboxes.read(count, &director)?);
        }
        println!("{name}:");
        compare(&received[0], &received[1]);
    }
    lab.close()
}
