//! Who becomes master, with stayd and keepalived in both places: preemption and its delay, equal priorities, owners, learned
//! intervals, unicast peers.

#![expect(clippy::unchecked_time_subtraction, reason = "a test fails by panicking")]

use std::thread::sleep;
use std::time::Duration;

use lab::pair::{INTERVAL, Pair, Role, VIP};
use lab::wait::seconds;
use lab::{Daemon, Lab, Result, configuration, now};

/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(500);

/// Who plays the director with priority 100, and who the one with 90.
#[derive(Clone, Copy)]
struct Cast {
    first: Daemon,
    second: Daemon,
}

const CASTS: [Cast; 2] = [
    Cast { first: Daemon::Stayd, second: Daemon::Keepalived },
    Cast { first: Daemon::Keepalived, second: Daemon::Stayd },
];

/// A director's file, both as `state BACKUP`, with more settings.
fn text(role: Role, version: u8, settings: &str) -> String {
    let text = configuration::vrrp(role, version).replace("state MASTER", "state BACKUP");
    text.replace("interface eth0", &format!("interface eth0\n  {settings}"))
}

impl Cast {
    fn told(self, what: &str) {
        println!("{} (100) and {} (90): {what}", self.first.name(), self.second.name());
    }

    /// The director with priority 90 alone, as master.
    fn second_alone(self, pair: &Pair, text: &str) -> Result {
        pair.backup.start_daemon(self.second, text)?;
        pair.backup.wait_for_address(VIP, Role::Backup.master_down_interval() + seconds(1))
    }
}

#[test]
fn a_higher_priority_takes_over_from_a_lower_one_that_was_there_first() -> Result {
    for cast in CASTS {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        cast.second_alone(&pair, &text(Role::Backup, 2, ""))?;
        let started = now();
        pair.master.start_daemon(cast.first, &text(Role::Master, 2, ""))?;
        let limit = Role::Master.master_down_interval() + SLACK;
        pair.master.wait_for_address(VIP, limit)?;
        pair.backup.wait_for_no_address(VIP, SLACK)?;
        cast.told(&format!("taken over {:?} after its start", now().saturating_since(started)));
        lab.close()?;
    }
    Ok(())
}

#[test]
fn with_nopreempt_a_lower_priority_stays_until_it_is_gone() -> Result {
    for cast in CASTS {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        cast.second_alone(&pair, &text(Role::Backup, 2, "nopreempt"))?;
        pair.master.start_daemon(cast.first, &text(Role::Master, 2, "nopreempt"))?;
        sleep(Role::Master.master_down_interval() + 2 * INTERVAL);
        assert!(pair.backup.holds(VIP)? && !pair.master.holds(VIP)?);
        let from = now();
        pair.backup.power_off()?;
        let takeover = pair.takeover(&pair.backup, &pair.master, from)?;
        cast.told(&format!("taken over {:?} after the last advert", takeover.after_last_advert));
        assert!(takeover.after_last_advert <= Role::Master.master_down_interval() + SLACK);
        lab.close()?;
    }
    Ok(())
}

#[test]
fn preempt_delay_puts_the_takeover_from_a_living_master_off() -> Result {
    for cast in CASTS {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        cast.second_alone(&pair, &text(Role::Backup, 2, ""))?;
        let started = now();
        pair.master.start_daemon(cast.first, &text(Role::Master, 2, "preempt_delay 4"))?;
        pair.master
            .wait_for_address(VIP, seconds(4) + INTERVAL + Role::Master.master_down_interval() + SLACK)?;
        let after = now().saturating_since(started);
        cast.told(&format!("taken over {after:?} after its start"));
        // The delay runs from the first advert of the lower master; the down timer from the last tolerated one.
        assert!(after >= seconds(4) + Role::Master.master_down_interval() - INTERVAL);
        lab.close()?;
    }
    Ok(())
}

#[test]
fn at_equal_priority_the_greater_address_stays_master_when_a_partition_ends() -> Result {
    for cast in CASTS {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        let equal = |role| text(role, 2, "").replace("priority 90", "priority 100");
        // Started together, either could be first.
        pair.master.start_daemon(cast.first, &equal(Role::Master))?;
        pair.master.wait_for_address(VIP, seconds(5))?;
        pair.backup.start_daemon(cast.second, &equal(Role::Backup))?;
        pair.master.silence("eth0")?;
        pair.backup.wait_for_address(VIP, seconds(8))?;
        pair.master.heal("eth0")?;
        pair.master.wait_for_no_address(VIP, INTERVAL + SLACK)?;
        assert!(pair.backup.holds(VIP)?, "192.168.0.21 is greater than 192.168.0.20");
        cast.told("192.168.0.21 stays");
        lab.close()?;
    }
    Ok(())
}

#[test]
fn the_owner_is_master_at_once_and_a_running_master_yields_to_it() -> Result {
    for cast in CASTS {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        cast.second_alone(&pair, &text(Role::Backup, 3, ""))?;
        let owner = configuration::vrrp(Role::Master, 3).replace("priority 100", "priority 255");
        let started = now();
        pair.master.start_daemon(cast.first, &owner)?;
        pair.master.wait_for_address(VIP, seconds(1))?;
        pair.backup.wait_for_no_address(VIP, seconds(1))?;
        cast.told(&format!(
            "the owner has the address {:?} after its start",
            now().saturating_since(started)
        ));
        lab.close()?;
    }
    Ok(())
}

#[test]
fn a_version_3_backup_waits_by_the_interval_of_its_master() -> Result {
    for cast in CASTS {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        // The master speaks every 3 s; counted by its own interval of 0.5 s the backup would lose patience.
        let slow = text(Role::Master, 3, "").replace("advert_int 1", "advert_int 3");
        let quick = text(Role::Backup, 3, "").replace("advert_int 1", "advert_int 0.5");
        pair.master.start_daemon(cast.first, &slow)?;
        pair.master.wait_for_address(VIP, seconds(13))?;
        let from = now();
        pair.backup.start_daemon(cast.second, &quick)?;
        // At its start it knows no better than its own interval, and may be master until the next slow advert.
        sleep(seconds(4));
        let settled = now();
        sleep(seconds(8));
        assert!(pair.master.holds(VIP)? && !pair.backup.holds(VIP)?);
        assert!(pair.wire.first_advert_after(&pair.backup, settled).is_none());
        let first = pair.wire.first_advert_after(&pair.master, from);
        cast.told(&format!("advert interval seen: {:?}", first.map(|advert| advert.interval)));
        lab.close()?;
    }
    Ok(())
}

#[test]
fn unicast_peers_elect_and_fail_over_like_a_group() -> Result {
    for cast in CASTS {
        for version in [2, 3] {
            let lab = Lab::native()?;
            let pair = Pair::build(&lab)?;
            let peers = |own, peer| {
                format!("unicast_src_ip 192.168.0.{own}\n  unicast_peer {{\n    192.168.0.{peer}\n  }}")
            };
            let (first, _) = pair.start(
                (cast.first, &text(Role::Master, version, &peers(20, 21))),
                (cast.second, &text(Role::Backup, version, &peers(21, 20))),
            )?;
            assert!(pair.master.holds(VIP)?);
            pair.backup.wait_for_no_address(VIP, seconds(2))?;
            let (stopped, _) = first.stop(seconds(5))?;
            let takeover = pair.takeover(&pair.master, &pair.backup, stopped)?;
            cast.told(&format!("version {version}: {:?} after the release", takeover.after_last_advert));
            assert!(takeover.after_last_advert <= Role::Backup.skew() + SLACK);
            lab.close()?;
        }
    }
    Ok(())
}
