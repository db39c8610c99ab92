//! stayd.conf(5), and the sections of stayd(8) that the command line's definition does not have.

use config::Code;
use config::keyword::{self, Block, DOES_NOT_START};
use roff::{Inline, Roff, bold, roman};

use super::language::LANGUAGE;

/// The page on the configuration.
pub fn text() -> String {
    let mut page = Roff::new();
    let version = concat!("stayd ", env!("CARGO_PKG_VERSION"));
    page.control("TH", ["stayd.conf", "5", "", version, "File formats"]);
    page.control("SH", ["NAME"]);
    page.text([roman("stayd.conf, keepalived.conf - configuration of stayd")]);
    page.control("SH", ["DESCRIPTION"]);
    paragraph(
        &mut page,
        "`stayd` reads the configuration of keepalived, by default from `/etc/keepalived/keepalived.conf`. This page has \
         every block and keyword, with what becomes of values that are missing or wrong.",
    );
    for (title, paragraphs) in LANGUAGE {
        page.control("SS", [*title]);
        for text in *paragraphs {
            paragraph(&mut page, text);
        }
    }
    page.control("SH", ["BLOCKS AND KEYWORDS"]);
    for block in keyword::blocks() {
        section(&mut page, block);
    }
    page.control("SH", ["PROBLEMS"]);
    paragraph(&mut page, "Each problem has a code; `stayd explain CODE` prints the same.");
    for code in Code::ALL {
        entry(&mut page, code.as_str(), &format!("{} {}", code.meaning(), code.advice()));
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([
        bold("stayd"),
        roman("(8), "),
        bold("stayd-check"),
        roman("(8), "),
        bold("stayd-explain"),
        roman("(8)"),
    ]);
    page.to_roff()
}

fn section(page: &mut Roff, block: &'static Block) {
    page.control("SS", [block.title()]);
    if let Some(syntax) = block.lines() {
        return paragraph(page, &format!("Each line: {syntax}."));
    }
    for keyword in block.keywords() {
        let facts = keyword.facts(block).into_iter().filter(|(_, text)| text != DOES_NOT_START);
        let facts = facts.map(|(title, text)| format!(" {title}: {text}."));
        entry(page, &keyword.syntax(), &(keyword.doc.to_owned() + &facts.collect::<String>()));
    }
}

fn entry(page: &mut Roff, title: &str, text: &str) {
    page.control("TP", []);
    page.text([bold(title)]);
    page.text(inlines(text));
}

fn paragraph(page: &mut Roff, text: &str) {
    page.control("PP", []);
    page.text(inlines(text));
}

/// What stands between backticks is bold.
fn inlines(text: &str) -> Vec<Inline> {
    let pieces = text.split('`').enumerate();
    pieces.map(|(index, piece)| if index % 2 == 1 { bold(piece) } else { roman(piece) }).collect()
}

/// Exit statuses, signals and files of the daemon.
pub fn daemon_sections() -> Roff {
    let mut page = Roff::new();
    page.control("SH", ["EXIT STATUS"]);
    for (status, text) in [
        ("0", "All is well. Also: another stayd or keepalived holds the pid file."),
        ("1", "The command line makes no sense, or something that cannot be done without is missing."),
        ("2", "The configuration cannot be run."),
        ("4", "A privilege is missing. With `-t`: nothing is wrong but that interfaces do not exist."),
        ("5", "With `-t` and `check`: something is wrong with the configuration."),
        (
            "6",
            "There is no configuration, or an inclusion failed. With `-t` and `check` also: scripts are run without \
             `enable_script_security`.",
        ),
    ] {
        entry(&mut page, status, text);
    }
    page.control("SH", ["SIGNALS"]);
    entry(
        &mut page,
        "SIGHUP",
        "Read the configuration again. One that cannot be run is refused, and nothing changes.",
    );
    entry(&mut page, "SIGTERM, SIGINT", "Give the addresses up, remove the virtual servers, and end.");
    page.control("SH", ["FILES"]);
    entry(&mut page, "/etc/keepalived/keepalived.conf", "The configuration, unless `-f` names another.");
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("stayd.conf"), roman("(5)")]);
    page
}
