//! x
use lab::wait::seconds;
use lab::{RabbitCluster, Lab, AmqpClient, Daemon};
use lab::pair::*;
#[test]
fn probe() -> lab::Result {
    let t = std::time::Instant::now();
    let lab = Lab::with_ipvs()?;
    let pair = Pair::build(&lab)?;
    let brokers = pair.add_brokers(&lab)?;
    let client = pair.add_client(&lab)?;
    let k = Daemon::Keepalived;
    let (a, b) = pair.start((k, &rabbit_configuration(Role::Master, k)), (k, &rabbit_configuration(Role::Backup, k)))?;
    println!("directors {:?}", t.elapsed());
    let hosts: Vec<_> = brokers.iter().map(|(h, a)| (h, *a)).collect();
    let r = RabbitCluster::start(&hosts)?;
    println!("up {:?}", t.elapsed());
    let all = ["192.168.0.2", "192.168.0.3", "192.168.0.4"];
    pair.master.wait_for_ipvs("x", seconds(20), |t| is_ipvs_table(t, &all))?;
    println!("table {:?}", t.elapsed());
    println!("{}", pair.master.ipvs_table()?);
    let c = AmqpClient::start(&client, "192.168.0.10:5672")?;
    c.wait_for_service(lab::now(), seconds(20))?;
    println!("served {:?}", t.elapsed());
    std::thread::sleep(seconds(3));
    let at = lab::now();
    pair.master.power_off()?;
    c.wait_for_service(at + seconds(1), seconds(20))?;
    println!("served {:?}", t.elapsed());
    std::thread::sleep(seconds(3));
    println!("takeover {:?}", pair.takeover(&pair.master, &pair.backup, at)?);
    println!("{:?}", c.journal()?.without_service(at, lab::now()));
    for n in r.nodes() { println!("{:?}", n.accepted()?); }
    let j = c.stop()?;
    println!("{} {:?} {} {:?}", j.confirmed(), j.lost(), j.duplicates(), j.losses());
    println!("{:?}", t.elapsed());
    let _ = (a, b);
    lab.close()
}
