//! What the kernel makes of a change, measured on Linux 6.1.

use ipvs::{
    DestKey, DestSpec, Family, Forwarding, Granularity, Op, Service, ServiceKey, ServiceSpec, Table, Tunnel,
};

/// Makes a change, or says by which error number the kernel refuses it.
pub fn change(table: &mut Table, op: &Op) -> Result<(), i32> {
    refusal(op, table)?;
    op.take_effect(table);
    Ok(())
}

/// Schedulers that the model's kernel has.
pub const SCHEDULERS: [&str; 13] =
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"];

/// The persistence engine that it has.
pub const ENGINE: &str = "sip";

/// Why the kernel refuses `op`.
fn refusal(op: &Op, table: &Table) -> Result<(), i32> {
    let found = table.services.get(&op.service());
    match op {
        Op::AddService { service, spec } => match found {
            Some(_) => Err(libc::EEXIST),
            None => unfit_service(service, spec),
        },
        Op::EditService { service, spec } => {
            found.ok_or(libc::ESRCH)?;
            unfit_service(service, spec)
        }
        Op::DeleteService { .. } => found.map(drop).ok_or(libc::ESRCH),
        Op::AddDest { service, dest, spec } => {
            let entry = found.ok_or(libc::ESRCH)?;
            unfit_dest(service, dest, spec)?;
            if entry.dests.contains_key(dest) { Err(libc::EEXIST) } else { Ok(()) }
        }
        Op::EditDest { service, dest, spec } => {
            let entry = found.ok_or(libc::ESRCH)?;
            unfit_dest(service, dest, spec)?;
            present(entry, dest)
        }
        Op::DeleteDest { dest, .. } => present(found.ok_or(libc::ESRCH)?, dest),
    }
}

fn present(service: &Service, dest: &DestKey) -> Result<(), i32> {
    if service.dests.contains_key(dest) { Ok(()) } else { Err(libc::ENOENT) }
}

fn unfit_service(service: &ServiceKey, spec: &ServiceSpec) -> Result<(), i32> {
    if !SCHEDULERS.contains(&spec.scheduler.as_str()) {
        return Err(libc::ENOENT);
    }
    let Some(persistence) = &spec.persistence else { return Ok(()) };
    if persistence.engine.as_ref().is_some_and(|engine| engine != ENGINE) {
        return Err(libc::ENOENT);
    }
    match (service.family(), persistence.granularity) {
        (Family::V6, Granularity::Prefix(0 | 129..)) => Err(libc::EINVAL),
        _ => Ok(()),
    }
}

fn unfit_dest(service: &ServiceKey, dest: &DestKey, spec: &DestSpec) -> Result<(), i32> {
    let mixed = Family::of(dest.address) != service.family();
    if mixed && !matches!(spec.forwarding, Forwarding::Tunnel(_)) {
        return Err(libc::EINVAL);
    }
    if spec.weight > i32::MAX.unsigned_abs() || spec.lower_threshold > spec.upper_threshold {
        return Err(libc::ERANGE);
    }
    match spec.forwarding {
        Forwarding::Tunnel(Tunnel::Gue { port: 0, .. }) => Err(libc::EINVAL),
        _ => Ok(()),
    }
}
