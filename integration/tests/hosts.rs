//! What a story may rely on about its hosts.

use lab::wait::seconds;
use lab::{Host, Lab, Lan, Result, wait};

fn host(lab: &Lab, lan: &Lan, name: &str, addresses: &[&str]) -> Result<Host> {
    let host = lab.host(name)?;
    host.connect(lan, "eth0", addresses)?;
    Ok(host)
}

fn hears(host: &Host, address: &str) -> Result<bool> {
    Ok(host.run("ping", &["-c", "1", "-W", "1", address])?.stdout.contains(" 0% packet loss"))
}

#[test]
fn a_cut_host_loses_its_carrier_and_a_silent_one_does_not() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let one = host(&lab, &lan, "one", &["192.0.2.1/24"])?;
    let two = host(&lab, &lan, "two", &["192.0.2.2/24"])?;
    let carrier = || one.run("cat", &["/sys/class/net/eth0/carrier"]).map(|output| output.stdout == "1\n");
    assert!(hears(&two, "192.0.2.1")? && carrier()?);
    one.cut("eth0")?;
    assert!(!hears(&two, "192.0.2.1")? && !carrier()?);
    one.heal("eth0")?;
    // The kernel looks at carriers that come back once a second, and lets no frame out before.
    wait::until("the carrier to be back", seconds(5), || hears(&two, "192.0.2.1"), |heard| *heard)?;
    assert!(carrier()?);
    one.silence("eth0")?;
    assert!(!hears(&two, "192.0.2.1")? && carrier()?);
    one.heal("eth0")?;
    assert!(hears(&two, "192.0.2.1")? && carrier()?);
    lab.close()
}

#[test]
fn hosts_on_different_lans_do_not_hear_each_other() -> Result {
    let lab = Lab::native()?;
    let (here, there) = (lab.lan("here")?, lab.lan("there")?);
    let one = host(&lab, &here, "one", &["192.0.2.1/24"])?;
    host(&lab, &there, "two", &["192.0.2.2/24"])?;
    let router = host(&lab, &here, "router", &["192.0.2.3/24"])?;
    router.connect(&there, "eth1", &["198.51.100.3/24"])?;
    assert!(!hears(&one, "192.0.2.2")? && hears(&one, "192.0.2.3")?);
    lab.close()
}

#[test]
fn ipv6_addresses_are_usable_at_once_and_the_only_ones() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let one = host(&lab, &lan, "one", &["2001:db8::1/64", "fe80::1/64"])?;
    let two = host(&lab, &lan, "two", &["2001:db8::2/64", "fe80::2/64"])?;
    assert!(hears(&two, "2001:db8::1")? && hears(&two, "fe80::1%eth0")?);
    let addresses = one.addresses()?.into_iter().filter(|view| view.interface == "eth0");
    let addresses: Vec<String> = addresses.map(|view| view.address.to_string()).collect();
    assert_eq!(addresses, ["2001:db8::1/64", "fe80::1/64"]);
    lab.close()
}

#[test]
fn a_host_has_its_own_name_and_its_own_tmp_and_run() -> Result {
    let lab = Lab::native()?;
    let (one, two) = (lab.host("one")?, lab.host("two")?);
    assert_eq!(one.check("hostname", &[])?, "one\n");
    one.check("touch", &["/tmp/x", "/run/x"])?;
    assert_eq!(two.check("find", &["/tmp", "/run", "-name", "x"])?, "");
    assert_eq!(one.check("ls", &["/tmp/x", "/run/x"])?, "/run/x\n/tmp/x\n");
    lab.close()
}

#[test]
fn nobody_in_a_killed_tree_sees_anybody_die() -> Result {
    let lab = Lab::native()?;
    let one = lab.host("one")?;
    let trace = one.folder().join("trace");
    // The parent would note, and start anew, a child that ends; the child a parent that does.
    let script = "while :; do sleep 1000; echo child >>$0; done & pid=$!; while kill -0 $pid; do wait; done; echo parent >>$0";
    let process = one.start("tree", "sh", &["-c", script, &trace.display().to_string()])?;
    let tree = wait::until("three processes", seconds(5), || process.tree(), |tree| tree.len() == 3)?;
    process.kill()?;
    assert_eq!(process.tree()?, Vec::<u32>::new());
    assert!(!trace.exists(), "{tree:?}");
    assert!(process.signal(nix::sys::signal::Signal::SIGTERM).is_err(), "a dead process gets no signals");
    lab.close()
}

#[test]
fn a_host_that_is_switched_on_again_remembers_nothing() -> Result {
    let lab = Lab::native()?;
    let lan = lab.lan("lan")?;
    let one = host(&lab, &lan, "one", &["192.0.2.1/24"])?;
    let sleep = one.start("sleep", "sh", &["-c", "setsid sleep 1000 & sleep 1000"])?;
    one.check("touch", &["/run/some.pid"])?;
    one.add_address("eth0", "192.0.2.10/32")?;
    one.power_off()?;
    assert!(sleep.status()?.is_some());
    assert!(one.holds("192.0.2.10")?, "as nobody lived to remove it");
    one.power_on()?;
    assert!(!one.holds("192.0.2.10")? && one.holds("192.0.2.1")?);
    assert_eq!(one.check("ls", &["/run"])?, "");
    lab.close()
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_children() -> Result {
    let lab = Lab::native()?;
    let one = lab.host("one")?;
    // Processes of all hosts have numbers of one kind: this one is told by how long it wants to sleep.
    let nap = format!("1000.{}", std::process::id());
    let script = format!("echo before; sleep {nap}; echo after");
    let output = one.run_for("sh", &["-c", &script], seconds(1))?;
    assert_eq!((output.exit, output.stdout.as_str()), (None, "before\n"));
    let processes = one.check("ps", &["-e", "-o", "args="])?;
    assert!(!processes.contains(&format!("sleep {nap}")), "{processes}");
    lab.close()
}
