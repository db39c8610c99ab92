//! The embedded kernel.

use lab::Lab;

#[test]
fn probe() -> lab::Result {
    let t = std::time::Instant::now();
    let lab = Lab::with_ipvs()?;
    let lan = lab.lan("lan")?;
    println!("lan {:?}", t.elapsed());
    let d1 = lab.director("d1")?;
    println!("booted {:?}", t.elapsed());
    d1.connect(&lan, "eth0", &["192.168.0.20/24"])?;
    let c = lab.host("c")?;
    c.connect(&lan, "eth0", &["192.168.0.9/24"])?;
    println!("{}", c.check("ping", &["-c3", "-i0.2", "192.168.0.20"])?);
    println!("{}", d1.check("ip", &["addr"])?);
    println!("{}", d1.check("sh", &["-c", "mount; ls /run /tmp; hostname; df"])?);
    println!("{}", c.check("sh", &["-c", "ip addr; ls /run /tmp /sys/class/net; hostname"])?);
    println!("{}", d1.ipvs_table()?);
    println!("{:?}", t.elapsed());
    lab.close()?;
    println!("{:?}", t.elapsed());
    Ok(())
}
