//! The figures, in Markdown.

use std::fmt::Write as _;

use crate::{CASES, Figures, RATES};

/// The figure of this name; not a number if it was not measured.
fn get(figures: &Figures, name: &str) -> f64 {
    figures.get(name).copied().unwrap_or(f64::NAN)
}

/// Whether a target is met, in words.
fn verdict(target: f64, met: bool) -> String {
    format!("{target}: {}", if met { "met" } else { "NOT met" })
}

/// A table with a row for each case: both figures and what they are to each other.
fn compare(
    lives: &[Vec<Figures>],
    title: &str,
    name: &str,
    digits: usize,
    target: impl Fn(usize) -> Option<f64>,
) -> String {
    let mut table = format!(
        "| virtual x real servers | keepalived, {title} | stayd, {title} | ratio | target |\n|---|---|---|---|---|\n"
    );
    for (index, (case, pair)) in CASES.iter().zip(lives).enumerate() {
        let [keepalived, stayd] = [0, 1].map(|n| pair.get(n).map_or(f64::NAN, |figures| get(figures, name)));
        let ratio = keepalived / stayd;
        let target = target(index).map(|target| verdict(target, ratio >= target)).unwrap_or_default();
        let shape = format!("{} x {}", case.shape.virtual_servers, case.shape.real_servers);
        // Writing to a string cannot fail.
        let _ =
            writeln!(table, "| {shape} | {keepalived:.digits$} | {stayd:.digits$} | {ratio:.1} | {target} |");
    }
    table
}

/// Start, reload, stop and memory.
pub fn lives(lives: &[Vec<Figures>]) -> String {
    let rows = [
        compare(lives, "start, s", "start", 3, |case| CASES.get(case).and_then(|case| case.start_target)),
        compare(lives, "start, CPU s", "start_cpu", 2, |_| None),
        compare(lives, "reload, s", "reload", 3, |_| Some(3.0)),
        compare(lives, "reload, CPU s", "reload_cpu", 3, |_| Some(3.0)),
        compare(lives, "stop, s", "stop", 3, |_| Some(8.0)),
        compare(lives, "PSS, MiB", "memory", 1, |_| Some(1.0)),
        compare(lives, "PSS after a reload, MiB", "memory_1", 1, |_| Some(1.0)),
        compare(lives, "PSS after all reloads, MiB", "memory_n", 1, |_| None),
    ];
    rows.join("\n")
}

/// Processor time of checks: keepalived, stayd, the least.
pub fn checks(rates: &[Vec<Figures>]) -> String {
    let mut table = "\
| checks a second | keepalived, CPU s per 1000 | stayd | a bare loop | stayd / keepalived | at most | rates reached |
|---|---|---|---|---|---|---|
"
    .to_owned();
    for (rate, row) in RATES.iter().zip(rates) {
        let cpu: Vec<f64> = row.iter().map(|figures| get(figures, "cpu")).collect();
        let reached: Vec<String> = row.iter().map(|figures| format!("{:.0}", get(figures, "rate"))).collect();
        let [keepalived, stayd, least] = cpu[..] else { continue };
        let target = if *rate > 1000 { 0.75 } else { 1.0 };
        let _ = writeln!(
            table,
            "| {rate} | {keepalived:.3} | {stayd:.3} | {least:.3} | {:.2} | {} | {} |",
            stayd / keepalived,
            verdict(target, stayd / keepalived <= target),
            reached.join(", ")
        );
    }
    table
}

/// From a closed port to the server's removal.
pub fn detect(pair: &[Figures; 2]) -> String {
    let mut table =
        "| port closes to server gone, s | least | median | most |\n|---|---|---|---|\n".to_owned();
    for (name, figures) in ["keepalived", "stayd"].iter().zip(pair) {
        let [min, median, max] = ["min", "median", "max"].map(|name| get(figures, name));
        let _ = writeln!(table, "| {name} | {min:.2} | {median:.2} | {max:.2} |");
    }
    table
}
