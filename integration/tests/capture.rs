//! A capture, beside what tshark makes of the file that it saves.

use lab::pair::{Pair, Role};
use lab::wait::seconds;
use lab::{Daemon, Lab, Result, configuration, wait};

#[test]
fn tshark_reads_in_a_saved_capture_what_the_capture_saw() -> Result {
    let lab = Lab::native()?;
    let pair = Pair::build(&lab)?;
    pair.master.start_daemon(Daemon::Keepalived, &configuration::vrrp(Role::Master, 3))?;
    let adverts =
        wait::until("two adverts", seconds(15), || Ok(pair.wire.adverts()), |seen| seen.len() >= 2)?;
    assert!(!pair.wire.announcements().is_empty());

    let file = pair.master.folder().join("wire.pcap");
    pair.wire.save(&file)?;
    let fields =
        ["ip.src", "ip.ttl", "vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.short_adver_int"];
    let mut arguments =
        vec!["-r", file.to_str().unwrap_or_default(), "-Y", "vrrp", "-T", "fields", "-E", "separator= "];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let lines = pair.master.check("tshark", &arguments)?;
    let ours: Vec<String> = adverts
        .iter()
        .map(|seen| {
            let centiseconds = seen.interval.as_millis() / 10;
            format!(
                "{} {} {} {} {} {centiseconds}",
                seen.source, seen.ttl, seen.version, seen.vrid, seen.priority
            )
        })
        .collect();
    let theirs: Vec<&str> = lines.lines().take(ours.len()).collect();
    assert_eq!(ours, theirs);

    let complaints =
        pair.master.check("tshark", &["-r", file.to_str().unwrap_or_default(), "-Y", "_ws.malformed"])?;
    assert_eq!(complaints, "");
    lab.close()
}
