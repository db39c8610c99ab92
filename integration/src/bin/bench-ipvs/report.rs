//! The figures, in Markdown.

use std::fmt::Write as _;

use crate::{CASES, Case, Contender, Figures, Part, RATES};

/// The figure of this name; not a number if it was not measured.
fn get(figures: &Figures, name: &str) -> f64 {
    figures.get(name).copied().unwrap_or(f64::NAN)
}

/// Whether a target is met, in words.
fn verdict(target: f64, met: bool) -> String {
    format!("{target}: {}", if met { "met" } else { "NOT met" })
}

/// What a figure is measured by.
enum Target {
    None,
    /// So many times better than keepalived's.
    Times(f64),
    /// At most this.
    Most(f64),
}

impl Target {
    fn judge(&self, ours: f64, ratio: f64) -> String {
        match *self {
            Self::None => String::new(),
            Self::Times(_) if ratio.is_nan() => "keepalived was not run".to_owned(),
            Self::Times(times) => verdict(times, ratio >= times),
            Self::Most(most) => format!("at most {}", verdict(most, ours <= most)),
        }
    }
}

/// The head of a table.
fn head(columns: &[String]) -> String {
    format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()))
}

fn names(contenders: &[Contender]) -> impl Iterator<Item = &'static str> + Clone {
    contenders.iter().map(|contender| contender.name)
}

/// A table with a row for each case: every figure, and how many times better the last is than each other. The target is
/// measured by the one before the last, the newest keepalived there is.
fn compare(
    (contenders, lives): (&[Contender], &[Vec<Figures>]),
    title: &str,
    name: &str,
    digits: usize,
    target: impl Fn(&Case) -> Target,
) -> String {
    let mut columns = vec!["virtual x real servers".to_owned()];
    columns.extend(names(contenders).map(|name| format!("{name}, {title}")));
    let others = contenders.len() - 1;
    columns.extend(names(contenders).take(others).map(|name| format!("{name} / stayd")));
    columns.push("target".to_owned());
    let mut table = head(&columns);
    for (case, row) in CASES.iter().zip(lives) {
        let values: Vec<f64> = row.iter().map(|figures| get(figures, name)).collect();
        let Some((ours, theirs)) = values.split_last() else { continue };
        let ratios: Vec<f64> = theirs.iter().map(|theirs| theirs / ours).collect();
        let ratio = ratios.last().copied().unwrap_or(f64::NAN);
        let mut cells = vec![format!("{} x {}", case.shape.virtual_servers, case.shape.real_servers)];
        cells.extend(values.iter().map(|value| format!("{value:.digits$}")));
        cells.extend(ratios.iter().map(|ratio| format!("{ratio:.1}")));
        cells.push(target(case).judge(*ours, ratio));
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    table
}

/// Start, reload, stop and memory, as far as they were asked for.
pub fn lives(contenders: &[Contender], lives: &[Vec<Figures>], wants: impl Fn(Part) -> bool) -> String {
    let all = (contenders, lives);
    let start_target = |case: &Case| case.start_target.map_or(Target::None, Target::Times);
    let memory_target = |case: &Case| case.lean_memory.map_or(Target::Times(1.0), Target::Most);
    let start = || {
        [
            compare(all, "start, s", "start", 3, start_target),
            compare(all, "start, CPU s", "start_cpu", 2, |_| Target::None),
            compare(all, "pages touched first", "faults", 0, |_| Target::None),
            compare(all, "PSS, MiB", "memory", 1, memory_target),
        ]
    };
    let reload = || {
        [
            compare(all, "reload, s", "reload", 3, |_| Target::Times(3.0)),
            compare(all, "reload, CPU s", "reload_cpu", 3, |_| Target::Times(3.0)),
            compare(all, "PSS after a reload, MiB", "memory_1", 1, |_| Target::Times(1.0)),
            compare(all, "PSS after all reloads, MiB", "memory_n", 1, |_| Target::None),
        ]
    };
    let stop = || compare(all, "stop, s", "stop", 3, |_| Target::Times(8.0));
    let mut tables = Vec::new();
    if wants(Part::Start) {
        tables.extend(start());
    }
    if wants(Part::Reload) {
        tables.extend(reload());
    }
    if wants(Part::Stop) {
        tables.push(stop());
    }
    tables.join("\n")
}

/// Processor time of checks: everybody's, and the least.
pub fn checks(contenders: &[Contender], rates: &[Vec<Figures>]) -> String {
    let mut columns = vec!["checks a second".to_owned()];
    let names = names(contenders).chain(["a bare loop"]);
    columns.extend(names.map(|name| format!("{name}, CPU s per 1000")));
    columns
        .extend(["stayd / keepalived", "at most", "stayd / bare loop", "rates reached"].map(str::to_owned));
    let mut table = head(&columns);
    for (rate, row) in RATES.iter().zip(rates) {
        let cpu: Vec<f64> = row.iter().map(|figures| get(figures, "cpu")).collect();
        let reached: Vec<String> = row.iter().map(|figures| format!("{:.0}", get(figures, "rate"))).collect();
        let [.., keepalived, stayd, least] = cpu[..] else { continue };
        let target = if *rate > 1000 { 0.75 } else { 1.0 };
        let cpu: Vec<String> = cpu.iter().map(|cpu| format!("{cpu:.3}")).collect();
        let _ = writeln!(
            table,
            "| {rate} | {} | {:.2} | {} | {:.2} | {} |",
            cpu.join(" | "),
            stayd / keepalived,
            verdict(target, stayd / keepalived <= target),
            stayd / least,
            reached.join(", ")
        );
    }
    table
}

/// From a closed port to the server's removal.
pub fn detect(contenders: &[Contender], rows: &[Figures]) -> String {
    let columns = ["port closes to server gone, s", "least", "median", "most"].map(str::to_owned);
    let mut table = head(&columns);
    for (name, figures) in names(contenders).zip(rows) {
        let [min, median, max] = ["min", "median", "max"].map(|name| get(figures, name));
        let _ = writeln!(table, "| {name} | {min:.2} | {median:.2} | {max:.2} |");
    }
    table
}
