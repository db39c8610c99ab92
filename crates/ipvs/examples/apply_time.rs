//! How long the kernel takes for a table of `SERVICES` services with `DESTS` destinations each: to put it in place, to
//! read it, to compare it, to glance at it, and to remove it. Empties the IPVS table of the current network namespace first.
//!
//! Usage: `apply_time SERVICES DESTS`

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ipvs::netlink::Client;
use ipvs::{
    DestKey, DestSpec, Forwarding, Kernel, Owned, Protocol, SchedulerFlags, Service, ServiceKey, ServiceSpec,
    Table, plan,
};

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<u32> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [services, dests] = numbers[..] else { return Err("usage: apply_time SERVICES DESTS".into()) };
    let desired = table(services, dests);
    let mut owned = Owned::default();
    owned.claim(&desired);
    let mut kernel = Client::open()?;
    kernel.flush()?;

    let (ops, planned) = timed(|| plan(&desired, &Table::default(), &owned));
    let (report, applied) = timed(|| kernel.apply(&ops));
    let failed = ops.iter().zip(&report.outcomes).find(|(_, outcome)| **outcome != netlink::Outcome::Done);
    if let Some((op, outcome)) = failed {
        return Err(format!("{op}: {outcome}").into());
    }
    let (actual, dumped) = timed(|| kernel.dump());
    let (seen, glanced) = timed(|| kernel.glance());
    seen.ok_or("there is no /proc/net/ip_vs")?;
    let actual = actual?;
    let (left, compared) = timed(|| plan(&desired, &actual, &owned));
    if !left.is_empty() {
        return Err(format!("{} changes are left, such as {}", left.len(), left[0]).into());
    }
    let ops = plan(&Table::default(), &actual, &owned);
    let (_, removed) = timed(|| kernel.apply(&ops));
    println!(
        "{services} x {dests}: plan {planned:.4} s, apply {applied:.4} s, dump {dumped:.4} s, compare {compared:.4} s, \
         glance {glanced:.4} s, remove {removed:.4} s"
    );
    Ok(())
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, f64) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed().as_secs_f64())
}

fn table(services: u32, dests: u32) -> Table {
    let dest = |number: u32| {
        let address = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0001 + number));
        let spec = DestSpec {
            weight: 1,
            forwarding: Forwarding::DirectRoute,
            upper_threshold: 0,
            lower_threshold: 0,
        };
        (DestKey { address, port: 80 }, spec)
    };
    let service = |number: u32| {
        let address = IpAddr::V4(Ipv4Addr::from_bits(0xc612_0001 + number));
        let key = ServiceKey::Address { protocol: Protocol::Tcp, address, port: 80 };
        let spec =
            ServiceSpec { scheduler: "rr".into(), flags: SchedulerFlags::default(), persistence: None };
        (key, Service { spec, dests: (0..dests).map(|index| dest(number * dests + index)).collect() })
    };
    Table { services: (0..services).map(service).collect() }
}
