//! Sync groups: two instances on two links, which move together whoever runs them.

use lab::wait;
use lab::{Capture, Host, Lab, Result, now};

use crate::stage::{CASTS, Cast, INTERVAL, LIMIT, PRIORITIES, complaints};

const VIPS: [&str; 2] = ["192.168.0.10", "192.168.1.10"];

/// Two directors, each on both of two LANs.
struct Pair {
    wires: [Capture; 2],
    directors: [Host; 2],
}

impl Pair {
    fn build(lab: &Lab, name: char) -> Result<Self> {
        let lans = [lab.lan(&format!("{name}0"))?, lab.lan(&format!("{name}1"))?];
        let host = |number: u8| {
            let host = lab.host(&format!("{name}d{number}"))?;
            for (link, lan) in lans.iter().enumerate() {
                host.connect(lan, &format!("eth{link}"), &[&format!("192.168.{link}.{}/24", 19 + number)])?;
            }
            Ok::<_, lab::Error>(host)
        };
        Ok(Self { wires: [lans[0].capture()?, lans[1].capture()?], directors: [host(1)?, host(2)?] })
    }

    /// Waits until a director has both addresses and the other none.
    fn wait_for_master(&self, master: usize) -> Result {
        let all = || {
            let of = |host: &Host| Ok::<_, lab::Error>([host.holds(VIPS[0])?, host.holds(VIPS[1])?]);
            Ok([of(&self.directors[0])?, of(&self.directors[1])?])
        };
        let what = format!("{} alone to hold both addresses", self.directors[master].name());
        wait::until(&what, LIMIT, all, |held| *held == [[master == 0; 2], [master == 1; 2]]).map(drop)
    }

    /// Waits for adverts of one director on both links; the other says nothing.
    fn one_speaks(&self, master: usize) -> Result {
        let from = now();
        let since = |director: usize| {
            self.wires.each_ref().map(|wire| {
                let priority = PRIORITIES[director];
                let all = wire.adverts().into_iter();
                all.filter(|advert| advert.at > from && advert.priority == priority).count()
            })
        };
        wait::until("adverts", LIMIT, || Ok(since(master)), |counts| counts.iter().all(|count| *count >= 2))?;
        assert_eq!(since(1 - master), [0; 2], "{} is silent", self.directors[1 - master].name());
        Ok(())
    }
}

fn text(director: usize) -> String {
    let instance = |link: usize| {
        format!(
            "vrrp_instance V{link} {{\n  state BACKUP\n  interface eth{link}\n  virtual_router_id 5{link}\n  priority \
             {}\n  advert_int {}\n  virtual_ipaddress {{\n    {}\n  }}\n}}\n",
            PRIORITIES[director],
            INTERVAL.as_secs(),
            VIPS[link]
        )
    };
    format!("vrrp_sync_group G {{\n  group {{\n    V0\n    V1\n  }}\n}}\n{}{}", instance(0), instance(1))
}

fn story(pair: &Pair, cast: Cast) -> Result {
    let start = |director: usize| pair.directors[director].start_daemon(cast[director], &text(director));
    let mut processes = vec![start(0)?];
    pair.directors[0].wait_for_address(VIPS[1], LIMIT)?;
    processes.push(start(1)?);
    pair.wait_for_master(0)?;
    pair.one_speaks(0)?;

    // One of two links fails: both move, the instance whose link is good by a release.
    pair.directors[0].cut("eth1")?;
    pair.wait_for_master(1)?;
    let released = pair.wires[0].adverts().iter().any(|advert| advert.priority == 0);
    assert!(released, "the member whose link is good releases its address");
    pair.one_speaks(1)?;

    pair.directors[0].heal("eth1")?;
    pair.wait_for_master(0)?;

    pair.directors[0].power_off()?;
    for vip in VIPS {
        pair.directors[1].wait_for_address(vip, LIMIT)?;
    }
    pair.one_speaks(1)?;
    for process in &processes {
        assert_eq!(complaints(&process.log()?), [""; 0], "{cast:?}");
    }
    Ok(())
}

#[test]
fn both_instances_move_when_one_link_fails() -> Result {
    let lab = Lab::native()?;
    let pairs = ['a', 'b'].map(|name| Pair::build(&lab, name));
    std::thread::scope(|scope| {
        let stories: Vec<_> = pairs
            .into_iter()
            .zip(CASTS)
            .map(|(pair, cast)| scope.spawn(move || story(&pair?, cast)))
            .collect();
        stories.into_iter().try_for_each(|story| story.join().unwrap())
    })?;
    lab.close()
}
