//! A real server: `stayd realserver` beside what the article's shell script does, and what the LAN gets to know.

use lab::site::{ExitView, Output};
use lab::wait::{self, seconds};
use lab::{Daemon, Error, Host, Lab, Result};

const VIP: &str = "192.168.0.10";
const OTHER: &str = "192.168.0.11";
const VIP6: &str = "2001:db8::10";

const SYSCTLS: [&str; 4] = ["all/arp_ignore", "all/arp_announce", "lo/arp_ignore", "lo/arp_announce"];

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<ExitView>,
    out: String,
    err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self { code: output.exit, out: output.stdout, err: output.stderr }
    }
}

impl Said {
    #[track_caller]
    fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(ExitView::Code(code)), "{self:?}");
        self
    }

    #[track_caller]
    fn with(self, line: &str) -> Self {
        assert!(
            self.out.lines().chain(self.err.lines()).any(|said| said == line),
            "{line:?} not in {self:?}"
        );
        self
    }

    /// The one line that is said when there is nothing to do.
    #[track_caller]
    fn with_only(self, line: &str) -> Self {
        assert_eq!((self.out.trim_end(), self.err.as_str()), (line, ""));
        self
    }
}

/// Runs `stayd realserver` with these arguments.
fn realserver(host: &Host, arguments: &[&str]) -> Result<Said> {
    within(host, &[], arguments)
}

/// The same, started by another program.
fn within(host: &Host, outer: &[&str], arguments: &[&str]) -> Result<Said> {
    let stayd = Daemon::Stayd.path()?.display().to_string();
    let line = [outer, &[&stayd, "realserver"], arguments].concat();
    let (program, rest) = line.split_first().ok_or_else(|| Error::Story("no program".to_owned()))?;
    host.run(program, rest).map(Said::from)
}

/// Everything that the script touches: the addresses of `lo`, all routes, the sysctls.
#[derive(PartialEq, Eq, Debug)]
struct Kernel {
    addresses: String,
    routes: String,
    sysctls: Vec<String>,
}

fn kernel(host: &Host) -> Result<Kernel> {
    let value = |name: &&str| host.check("cat", &[&format!("/proc/sys/net/ipv4/conf/{name}")]);
    Ok(Kernel {
        addresses: host.check("ip", &["-d", "addr", "show", "dev", "lo"])?,
        routes: host.check("ip", &["-d", "route", "show", "table", "all"])?,
        sysctls: SYSCTLS.iter().map(value).collect::<Result<_>>()?,
    })
}

/// What the article's script does on `start`, with the commands that `ifconfig` and `route` stand for today.
fn start_as_the_script(host: &Host, vip: &str) -> Result {
    let lo0 = ["addr", "add", &format!("{vip}/32"), "broadcast", vip, "label", "lo:0", "dev", "lo"];
    host.check("ip", &lo0)?;
    host.check("ip", &["route", "add", vip, "dev", "lo", "src", vip])?;
    for scope in ["lo", "all"] {
        host.sysctl(&format!("ipv4/conf/{scope}/arp_ignore"), "1")?;
        host.sysctl(&format!("ipv4/conf/{scope}/arp_announce"), "2")?;
    }
    Ok(())
}

fn allow_ipv6(host: &Host) -> Result {
    host.sysctl("ipv6/conf/lo/disable_ipv6", "0")
}

#[test]
fn start_makes_what_the_article_s_script_makes_and_stop_unmakes_it() -> Result {
    let lab = Lab::native()?;
    let (scripted, ours) = (lab.host("scripted")?, lab.host("ours")?);
    let fresh = kernel(&ours)?;
    start_as_the_script(&scripted, VIP)?;
    realserver(&ours, &["status", VIP])?.ended(1);

    realserver(&ours, &["start", VIP])?
        .ended(0)
        .with("net.ipv4.conf.all.arp_ignore: set to 1 (was 0)")
        .with("net.ipv4.conf.lo.arp_announce: set to 2 (was 0)")
        .with("192.168.0.10/32 on lo: added")
        .with("route to 192.168.0.10 on lo: added")
        .with("started: 192.168.0.10");
    assert_eq!(kernel(&ours)?, kernel(&scripted)?);
    realserver(&ours, &["status"])?.ended(0);
    realserver(&scripted, &["status", VIP])?.ended(0);

    realserver(&ours, &["stop", VIP])?
        .ended(0)
        .with("192.168.0.10/32 on lo: removed")
        .with("net.ipv4.conf.all.arp_ignore: put back to 0 (was 1)")
        .with("stopped: 192.168.0.10");
    assert_eq!(kernel(&ours)?, fresh);
    realserver(&ours, &["status"])?.ended(1).with_only("no virtual address is started on this real server");
    realserver(&ours, &["status", VIP])?.ended(1);
    lab.close()
}

#[test]
fn start_and_stop_may_be_repeated() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    let fresh = kernel(&server)?;
    realserver(&server, &["start", VIP])?.ended(0);
    let started = kernel(&server)?;
    realserver(&server, &["start", VIP, VIP])?
        .ended(0)
        .with_only("nothing to do, started already: 192.168.0.10");
    assert_eq!(kernel(&server)?, started);
    realserver(&server, &["stop", VIP])?.ended(0);
    realserver(&server, &["stop", VIP])?.ended(0).with_only("nothing to do, not started: 192.168.0.10");
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn the_sysctls_are_put_back_with_the_last_address() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    server.sysctl("ipv4/conf/all/arp_announce", "1")?;
    server.sysctl("ipv4/conf/lo/arp_ignore", "3")?;
    let fresh = kernel(&server)?;
    realserver(&server, &["start", VIP])?.ended(0);
    let started = kernel(&server)?;
    realserver(&server, &["start", OTHER])?.ended(0).with("started: 192.168.0.11");
    realserver(&server, &["status"])?.ended(0);
    assert!(server.holds(VIP)? && server.holds(OTHER)?);
    realserver(&server, &["stop", OTHER])?.ended(0);
    assert_eq!(kernel(&server)?, started);
    realserver(&server, &["stop", VIP])?.ended(0);
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn an_address_a_route_and_a_sysctl_of_the_administrator_stay() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    server.add_address("lo", &format!("{VIP}/32"))?;
    server.check("ip", &["route", "add", VIP, "dev", "lo"])?;
    server.sysctl("ipv4/conf/all/arp_ignore", "2")?;
    let fresh = kernel(&server)?;
    realserver(&server, &["start", VIP, OTHER])?
        .ended(0)
        .with("192.168.0.10/32 on lo: there already; stop will leave it")
        .with("route to 192.168.0.10 on lo: there already; stop will leave it");
    realserver(&server, &["status"])?.ended(0);
    realserver(&server, &["stop", VIP, OTHER])?
        .ended(0)
        .with("192.168.0.10/32 on lo: left, since it is not from start")
        .with("route to 192.168.0.10 on lo: left, since it is not from start");
    assert_eq!(kernel(&server)?, fresh);
    realserver(&server, &["stop", VIP])?.ended(0).with("nothing to do, not started: 192.168.0.10");
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn a_sysctl_that_somebody_changed_after_start_is_left_and_told() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    realserver(&server, &["start", VIP])?.ended(0);
    server.sysctl("ipv4/conf/all/arp_ignore", "2")?;
    realserver(&server, &["status"])?.ended(0);
    realserver(&server, &["stop", VIP])?
        .ended(0)
        .with("net.ipv4.conf.all.arp_ignore: left at 2, since it is no longer the 1 that start set");
    assert_eq!(kernel(&server)?.sysctls, ["2\n", "0\n", "0\n", "0\n"]);
    lab.close()
}

#[test]
fn status_says_what_is_missing_and_start_puts_it_back() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    realserver(&server, &["start", VIP])?.ended(0);
    let started = kernel(&server)?;
    server.remove_address("lo", &format!("{VIP}/32"))?;
    server.sysctl("ipv4/conf/all/arp_ignore", "0")?;
    server.check("ip", &["link", "set", "lo", "down"])?;
    realserver(&server, &["status"])?
        .ended(1)
        .with("192.168.0.10 on lo              nothing  address, route  WRONG")
        .with("lo                              down     up              WRONG")
        .with("net.ipv4.conf.all.arp_ignore    0        1               WRONG")
        .with("net.ipv4.conf.all.arp_announce  2        2               ok");
    realserver(&server, &["start", VIP])?.ended(0).with("lo: brought up");
    assert_eq!(kernel(&server)?, started);
    lab.close()
}

/// A real server and a client that reach each other. (The carrier and the routes to an IPv6 address come some time after
/// the address.)
fn neighbours(lab: &Lab, of_server: &[&str], of_client: &[&str]) -> Result<(Host, Host)> {
    let lan = lab.lan("lan")?;
    let (server, client) = (lab.host("mq1")?, lab.host("client")?);
    server.connect(&lan, "eth0", of_server)?;
    client.connect(&lan, "eth0", of_client)?;
    let address = of_server.first().and_then(|first| first.split('/').next()).unwrap_or_default();
    wait::for_some("the server to be found", seconds(20), || ask(&client, address))?;
    Ok((server, client))
}

/// What the neighbour's kernel found out when it asked for an address: who has it, or nobody.
fn ask(neighbour: &Host, address: &str) -> Result<Option<String>> {
    neighbour.check("ip", &["neigh", "flush", "dev", "eth0"])?;
    // The answer itself does not matter, and may well be missing.
    neighbour.run("ping", &["-c", "1", "-W", "4", address])?;
    let found = neighbour.check("ip", &["neigh", "show", "to", address, "dev", "eth0"])?;
    let mut words = found.split_whitespace().skip_while(|word| *word != "lladdr");
    Ok(words.nth(1).map(str::to_owned))
}

#[test]
fn a_neighbour_that_asks_for_the_vip_is_answered_before_start_and_not_after() -> Result {
    let lab = Lab::native()?;
    let (server, client) = neighbours(&lab, &["192.168.0.2/24"], &["192.168.0.100/24"])?;
    let mac = Some("02:00:c0:a8:00:02".to_owned());
    server.add_address("lo", &format!("{VIP}/32"))?;
    assert_eq!(ask(&client, VIP)?, mac, "this is what a real server must not do");

    realserver(&server, &["start", VIP])?.ended(0);
    assert_eq!(ask(&client, VIP)?, None);
    assert_eq!(ask(&client, "192.168.0.2")?, mac, "its own address is no secret");

    // What a director that routes directly does: the VIP, and the real server's hardware address.
    let frame_to_server = ["neigh", "replace", VIP, "lladdr", "02:00:c0:a8:00:02", "dev", "eth0"];
    client.check("ip", &frame_to_server)?;
    client.check("ping", &["-c", "1", "-W", "2", VIP])?;
    lab.close()
}

#[test]
fn a_real_server_asks_for_its_neighbours_in_its_own_name() -> Result {
    let lab = Lab::native()?;
    let (server, client) = neighbours(&lab, &["192.168.0.2/24"], &["192.168.0.100/24"])?;
    let mac = "02:00:c0:a8:00:02";
    // Whoever is asked learns who asks: that is how the client would come to believe that the VIP is here.
    let learnt = || -> Result<bool> {
        for host in [&server, &client] {
            host.check("ip", &["neigh", "flush", "all"])?;
        }
        client.check(
            "ip",
            &["neigh", "replace", VIP, "lladdr", "02:00:00:00:00:99", "nud", "stale", "dev", "eth0"],
        )?;
        server.run("ping", &["-c", "1", "-W", "1", "-I", VIP, "192.168.0.100"])?;
        Ok(client.check("ip", &["neigh", "show", "to", VIP, "dev", "eth0"])?.contains(mac))
    };
    server.add_address("lo", &format!("{VIP}/32"))?;
    assert!(learnt()?, "this is what a real server must not do");
    realserver(&server, &["start", VIP])?.ended(0);
    assert!(!learnt()?);
    lab.close()
}

#[test]
fn an_interface_whose_own_sysctl_overrides_ours_is_told() -> Result {
    let lab = Lab::native()?;
    let (server, client) = neighbours(&lab, &["192.168.0.2/24"], &["192.168.0.100/24"])?;
    server.sysctl("ipv4/conf/eth0/arp_ignore", "3")?;
    let complaint = "stayd realserver: net.ipv4.conf.eth0.arp_ignore: is 3, should be at most 1";
    realserver(&server, &["start", VIP])?.ended(1).with(complaint);
    realserver(&server, &["status"])?
        .ended(1)
        .with("net.ipv4.conf.all.arp_ignore    1               1               ok")
        .with("net.ipv4.conf.eth0.arp_ignore   3               at most 1       WRONG");
    assert!(ask(&client, VIP)?.is_some(), "the complaint is right");
    server.sysctl("ipv4/conf/eth0/arp_ignore", "0")?;
    realserver(&server, &["status"])?.ended(0);
    assert_eq!(ask(&client, VIP)?, None);
    lab.close()
}

#[test]
fn an_ipv6_address_needs_no_sysctl_to_be_kept_from_the_lan() -> Result {
    let lab = Lab::native()?;
    // Without a link-local address the server could not ask for the client when it answers from an address on lo.
    let (of_server, of_client) = (["2001:db8::2/64", "fe80::2/64"], ["2001:db8::100/64", "fe80::100/64"]);
    let (server, client) = neighbours(&lab, &of_server, &of_client)?;
    allow_ipv6(&server)?;
    let fresh = kernel(&server)?;
    realserver(&server, &["start", VIP6])?.ended(0).with("2001:db8::10/128 on lo: added");
    realserver(&server, &["status"])?
        .ended(0)
        .with_only("                    IS       SHOULD BE\n2001:db8::10 on lo  address  address    ok");
    assert_eq!(kernel(&server)?.sysctls, fresh.sysctls);

    assert_eq!(ask(&client, VIP6)?, None);
    let mac = server.check("cat", &["/sys/class/net/eth0/address"])?;
    client.check("ip", &["neigh", "replace", VIP6, "lladdr", mac.trim(), "dev", "eth0"])?;
    client.check("ping", &["-c", "1", "-W", "2", VIP6])?;

    realserver(&server, &["stop", VIP6])?.ended(0).with("2001:db8::10/128 on lo: removed");
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn both_families_are_held_and_what_fails_for_one_does_not_keep_the_other_from_being_done() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    realserver(&server, &["start", VIP, VIP6])?
        .ended(1)
        .with("192.168.0.10/32 on lo: added")
        .with(
            "stayd realserver: 2001:db8::10/128 on lo: not added: IPv6 is disabled on lo (net.ipv6.conf.lo.disable_ipv6)",
        );
    assert!(server.holds(VIP)?);
    allow_ipv6(&server)?;
    realserver(&server, &["start", VIP, VIP6])?.ended(0).with("started: 192.168.0.10, 2001:db8::10");
    realserver(&server, &["status"])?.ended(0);
    realserver(&server, &["stop", VIP])?.ended(0);
    assert!(server.holds(VIP6)? && !server.holds(VIP)?);
    assert_eq!(kernel(&server)?.sysctls, ["0\n"; 4]);
    lab.close()
}

#[test]
fn without_the_capability_nothing_dangerous_is_done_and_it_is_named() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    let fresh = kernel(&server)?;
    // Root writes the sysctls all the same, being their owner.
    let without = ["setpriv", "--bounding-set", "-net_admin"];
    let error = "not added: no permission: this takes the capability CAP_NET_ADMIN";
    within(&server, &without, &["start", VIP])?
        .ended(1)
        .with(&format!("stayd realserver: 192.168.0.10/32 on lo: {error}"))
        .with("stayd realserver: route to 192.168.0.10 on lo: not added, because of 192.168.0.10/32 on lo");
    realserver(&server, &["stop", VIP])?.ended(0);
    assert_eq!(kernel(&server)?, fresh);

    // Anybody may look. (Not everybody may look where the program was built.)
    server.check("cp", &[&Daemon::Stayd.path()?.display().to_string(), "/tmp/stayd"])?;
    let as_nobody = |action: &str| -> Result<Said> {
        let nobody = ["--reuid", "65534", "--clear-groups", "/tmp/stayd", "realserver", action, VIP];
        server.run("setpriv", &nobody).map(Said::from)
    };
    let line = "net.ipv4.conf.all.arp_ignore    0        1               WRONG";
    as_nobody("status")?.ended(1).with(line);
    let refused = as_nobody("start")?.ended(1);
    assert!(refused.err.contains("no permission") && refused.err.contains("CAP_NET_ADMIN"), "{refused:?}");

    // The capability alone is enough, as in the unit.
    let with_it_alone = ["setpriv", "--bounding-set", "-all,+net_admin", "--no-new-privs"];
    within(&server, &with_it_alone, &["start", VIP])?.ended(0);
    within(&server, &with_it_alone, &["stop", VIP])?.ended(0);
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn without_writable_sysctls_the_address_does_not_come() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    let stayd = Daemon::Stayd.path()?.display().to_string();
    let script = format!(
        "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && {stayd} realserver start {VIP}"
    );
    let said = Said::from(server.run("unshare", &["-m", "sh", "-c", &script])?);
    said.ended(1)
        .with("stayd realserver: 192.168.0.10/32 on lo: not added, because of net.ipv4.conf.all.arp_ignore");
    assert!(!server.holds(VIP)?);
    lab.close()
}

#[test]
fn an_argument_that_is_no_virtual_address_is_named_and_nothing_is_done() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    let fresh = kernel(&server)?;
    for (argument, reason) in [
        ("mq1", "not an IP address"),
        ("192.168.0.10/32", "give the address alone: its prefix length is always that of a single host"),
        ("224.0.0.18", "a multicast address cannot be a virtual address"),
        ("127.0.0.1", "a loopback address cannot be a virtual address"),
        ("::", "the unspecified address cannot be a virtual address"),
    ] {
        let line = format!("error: invalid value '{argument}' for '<VIP>...': {reason}");
        realserver(&server, &["start", VIP, argument])?.ended(1).with(&line);
    }
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn several_units_at_once_lose_nothing() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    let fresh = kernel(&server)?;
    let stayd = Daemon::Stayd.path()?.display().to_string();
    let vips: Vec<String> = (10..26).map(|last| format!("192.168.0.{last}")).collect();
    let all_at_once = |action: &str| -> Result {
        let processes = vips
            .iter()
            .map(|vip| server.start(&format!("{action}-{vip}"), &stayd, &["realserver", action, vip]))
            .collect::<Result<Vec<_>>>()?;
        for process in processes {
            assert_eq!(process.wait_for_exit(seconds(20))?, ExitView::Code(0), "{}", process.log()?);
        }
        Ok(())
    };
    all_at_once("start")?;
    let status = realserver(&server, &["status"])?.ended(0);
    for vip in &vips {
        assert!(status.out.contains(&format!("{vip} on lo")), "{vip} is not in {}", status.out);
    }
    all_at_once("stop")?;
    assert_eq!(kernel(&server)?, fresh);
    lab.close()
}

#[test]
fn the_state_may_be_elsewhere_and_is_not_guessed_at() -> Result {
    let lab = Lab::native()?;
    let server = lab.host("mq1")?;
    let state = server.write("state.json", "not what start wrote")?.display().to_string();
    let fresh = kernel(&server)?;
    for action in ["start", "stop"] {
        let said = realserver(&server, &["--state", &state, action, VIP])?.ended(1);
        assert!(said.err.contains(&format!("cannot understand {state}")), "{said:?}");
    }
    assert_eq!(kernel(&server)?, fresh);
    realserver(&server, &["start", VIP])?.ended(0);
    realserver(&server, &["status"])?.ended(0);
    lab.close()
}
