//! Two directors in real time: who announces the VIP, and how soon after the master's last sign of life.

use std::thread::sleep;
use std::time::Duration;

use lab::pair::{INTERVAL, Pair, Role, VIP};
use lab::wait::seconds;
use lab::{Daemon, Error, Lab, Process, configuration, now};

/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(500);

/// One pair of daemons and one version of VRRP.
#[derive(Clone, Copy)]
struct Cast {
    master: Daemon,
    backup: Daemon,
    version: u8,
}

/// A story that has come as far as a master and a backup.
struct Stage {
    lab: Lab,
    pair: Pair,
    first: Process,
}

impl Cast {
    fn enter(self) -> lab::Result<Stage> {
        let lab = Lab::native()?;
        let pair = Pair::build(&lab)?;
        let (first, _) = pair.start(
            (self.master, &configuration::vrrp(Role::Master, self.version)),
            (self.backup, &configuration::vrrp(Role::Backup, self.version)),
        )?;
        // Not in the middle of anything: a few adverts have passed.
        sleep(2 * INTERVAL + INTERVAL / 3);
        assert!(pair.master.holds(VIP)? && !pair.backup.holds(VIP)?, "the elected master alone has the VIP");
        Ok(Stage { lab, pair, first })
    }

    fn told(self, event: &str, measured: Duration, limit: Duration) {
        let Self { master, backup, version } = self;
        println!(
            "{event}: {} over {}, version {version}: VIP announced {:.3} s after the last advert (limit {:.3} s + {:.1} s)",
            backup.name(),
            master.name(),
            measured.as_secs_f64(),
            limit.as_secs_f64(),
            SLACK.as_secs_f64(),
        );
        assert!(measured <= limit + SLACK, "{event}: {measured:?} is more than {limit:?} + {SLACK:?}");
    }
}

fn a_killed_master(cast: Cast) -> lab::Result {
    let Stage { lab, pair, first } = cast.enter()?;
    let killed = first.kill()?;
    assert_eq!(first.tree()?, Vec::<u32>::new(), "nothing of the killed daemon is left");
    let takeover = pair.takeover(&pair.master, &pair.backup, killed)?;
    cast.told("killed", takeover.after_last_advert, Role::Backup.master_down_interval());
    pair.backup.wait_for_address(VIP, seconds(1))?;
    assert!(pair.master.holds(VIP)?, "nobody was left to take the VIP out of the dead director's kernel");
    lab.close()
}

fn a_pulled_cable(cast: Cast) -> lab::Result {
    let Stage { lab, pair, .. } = cast.enter()?;
    let cut = now();
    pair.master.cut("eth0")?;
    let takeover = pair.takeover(&pair.master, &pair.backup, cut)?;
    cast.told("cable pulled", takeover.after_last_advert, Role::Backup.master_down_interval());
    pair.master.wait_for_no_address(VIP, seconds(2))?;
    pair.master.heal("eth0")?;
    let back = pair.takeover(&pair.backup, &pair.master, takeover.at)?;
    println!(
        "cable back: the master announces the VIP {:.3} s after the backup's last advert",
        back.after_last_advert.as_secs_f64()
    );
    pair.backup.wait_for_no_address(VIP, seconds(2))?;
    lab.close()
}

fn a_silent_partition(cast: Cast) -> lab::Result {
    let Stage { lab, pair, .. } = cast.enter()?;
    let silenced = now();
    pair.master.silence("eth0")?;
    let takeover = pair.takeover(&pair.master, &pair.backup, silenced)?;
    cast.told("silent partition", takeover.after_last_advert, Role::Backup.master_down_interval());
    assert!(pair.master.holds(VIP)?, "a master that nobody hears does not know it");
    let healed = now();
    pair.master.heal("eth0")?;
    pair.backup.wait_for_no_address(VIP, INTERVAL + SLACK)?;
    assert!(pair.master.holds(VIP)?, "the higher priority remains");
    assert!(pair.wire.first_advert_after(&pair.master, healed).is_some());
    lab.close()
}

fn a_master_that_is_stopped(cast: Cast) -> lab::Result {
    let Stage { lab, pair, first } = cast.enter()?;
    let (stopped, exit) = first.stop(seconds(10))?;
    assert_eq!(exit, lab::site::ExitView::Code(0));
    let takeover = pair.takeover(&pair.master, &pair.backup, stopped)?;
    let last = pair.wire.last_advert_before(&pair.master, takeover.at);
    let last = last.ok_or_else(|| Error::Unmet("the master says goodbye".to_owned()))?;
    assert_eq!(last.priority, 0, "the last advert resigns");
    cast.told("stopped", takeover.after_last_advert, Role::Backup.skew());
    assert!(!pair.master.holds(VIP)?, "it has taken its VIP with it");
    lab.close()
}

/// The four stories for one cast.
macro_rules! stories {
    ($name:ident, $master:ident, $backup:ident, $version:literal) => {
        mod $name {
            use super::Cast;
            use lab::Daemon;

            const CAST: Cast = Cast { master: Daemon::$master, backup: Daemon::$backup, version: $version };

            #[test]
            fn the_backup_takes_over_from_a_killed_master() -> lab::Result {
                super::a_killed_master(CAST)
            }

            #[test]
            fn the_backup_takes_over_when_the_cable_is_pulled_and_yields_when_it_is_back() -> lab::Result {
                super::a_pulled_cable(CAST)
            }

            #[test]
            fn a_silent_partition_has_two_masters_and_its_end_one() -> lab::Result {
                super::a_silent_partition(CAST)
            }

            #[test]
            fn the_backup_takes_over_at_once_from_a_master_that_is_stopped() -> lab::Result {
                super::a_master_that_is_stopped(CAST)
            }
        }
    };
}

stories!(keepalived_version_2, Keepalived, Keepalived, 2);
stories!(keepalived_version_3, Keepalived, Keepalived, 3);
stories!(stayd_version_2, Stayd, Stayd, 2);
stories!(stayd_version_3, Stayd, Stayd, 3);
stories!(stayd_over_keepalived_version_2, Keepalived, Stayd, 2);
stories!(stayd_over_keepalived_version_3, Keepalived, Stayd, 3);
stories!(keepalived_over_stayd_version_2, Stayd, Keepalived, 2);
stories!(keepalived_over_stayd_version_3, Stayd, Keepalived, 3);
