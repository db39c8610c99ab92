//! The keyword table, walked: every keyword is accepted where it belongs, with a value that it takes; refused, with code
//! and place, without a word that it needs and with one that it does not take; and told where it belongs when it stands
//! elsewhere.

mod common;

use common::{Case, Use, cases, read, read_with_script};
use config::keyword::{self, Again, Keyword, Missing, ROOT, Status, Takes};
use config::{Code, Diagnostic, Effect, Loaded, Severity};

fn at_line(loaded: &Loaded, line: usize) -> Vec<&Diagnostic> {
    loaded.diagnostics.iter().filter(|it| loaded.sources.location(it.span).line as usize == line).collect()
}

fn of(usage: Use) -> impl Iterator<Item = Case> {
    cases().into_iter().filter(move |case| case.usage == usage)
}

#[test]
fn every_keyword_is_accepted_where_it_belongs() {
    let mut count = 0;
    for case in of(Use::Good) {
        let loaded = read(&case.text);
        let wrong: Vec<_> = at_line(&loaded, case.line)
            .into_iter()
            .filter(|it| it.severity != Severity::Note && it.code != Code::ScriptNotFound)
            .collect();
        let expected = match case.keyword {
            // keepalived takes them and asks for something else.
            Keyword { superseded: Some(_), .. } => vec![Code::Deprecated],
            Keyword { name: "hashed" | "native_ipv6", .. } => vec![Code::Conflict],
            _ => vec![],
        };
        assert_eq!(
            wrong.iter().map(|it| it.code).collect::<Vec<_>>(),
            expected,
            "{}\n{}",
            case.name,
            loaded.render_all()
        );
        count += 1;
    }
    assert!(count > 400, "only {count} keywords have a case");
}

/// Notes about what has no effect, or less than its name says.
fn notes(loaded: &Loaded) -> impl Iterator<Item = &Diagnostic> {
    loaded.diagnostics.iter().filter(|it| matches!(it.code, Code::NotSupported | Code::SimplifiedCheck))
}

#[test]
fn a_keyword_without_effect_says_so_or_the_block_around_it_does() {
    for case in of(Use::Good).filter(|case| case.keyword.status != Status::Done) {
        let loaded = read(&case.text);
        assert!(notes(&loaded).next().is_some(), "{}: {}", case.name, loaded.render_all());
        assert!(notes(&loaded).all(|it| it.effect == Effect::None), "{}", case.name);
    }
}

#[test]
fn a_keyword_without_effect_says_so_at_its_first_place_only() {
    let instance = |name: &str, vrid: u8| {
        format!(
            "vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\ndebug 1\ndebug 2\n\
             virtual_ipaddress {{\n10.0.0.{vrid}\n}}\n}}\n"
        )
    };
    let loaded = read(&(instance("A", 1) + &instance("B", 2)));
    let lines: Vec<_> = notes(&loaded).map(|it| loaded.sources.location(it.span).line).collect();
    assert_eq!(lines, [4], "{}", loaded.render_all());
    assert_eq!(loaded.test_status(), 0);
}

#[test]
fn every_keyword_that_works_changes_the_model() {
    // Words for what happens anyway, for what only reading the file needs, and for what a model has no place for.
    const ANYWAY: &[(&str, &str)] = &[
        ("vrrp_instance", "preempt"),
        ("vrrp_instance", "accept"),
        ("vrrp_instance", "native_ipv6"),
        ("vrrp_instance", "vrf"),
        ("vrrp_instance", "no_virtual_ipaddress"),
        ("global_defs", "include_check"),
        ("global_defs", "default_interface"),
        ("virtual_server", "hashed"),
        ("real_server", "smtp_alert"),
        ("virtual_server", "ip_family"),
        ("", "global_defs"),
        ("", "virtual_server_group"),
        // A group without instances, as the case has it, is none.
        ("", "track_group"),
        ("track_group", "group"),
        // Its case has a block of the same name, which it cannot be read without.
        ("FILE_CHECK", "track_file"),
    ];
    let mut unchanged = Vec::new();
    for case in of(Use::Good).filter(|case| case.keyword.status == Status::Done) {
        if ANYWAY.contains(&(case.block.name, case.keyword.name)) {
            continue;
        }
        let with = read_with_script(&context(&case)).model;
        let without = read_with_script(&without(&context(&case), &case)).model;
        if with == without {
            unchanged.push(format!("{}\n{}", case.name, context(&case)));
        }
    }
    assert!(unchanged.is_empty(), "these change nothing:\n{}", unchanged.join("\n"));
}

/// The case, with something added where the keyword shows only together with something else.
fn context(case: &Case) -> String {
    match case.keyword.name {
        "vrrp_mcast_group6" | "vrrp_gna_interval" => case.text.replace("10.0.0.1", "fe80::1"),
        "state" => case.text.replace("state BACKUP", "state MASTER"),
        "timer_expired_backup" => beside(case, "nopreempt\n"),
        "vrrp_check_unicast_src" => beside(case, "unicast_peer {\n10.0.0.9\n}\n"),
        "version" => case.text.replace("version 2", "version 3"),
        "weight" if case.block.name == "virtual_server" => case.text.replace("80 {\nweight 1\n", "80 {\n"),
        "checker_log_all_failures" | "smtp_alert_checker" => case.text.clone() + CHECKED,
        "dynamic_interfaces" => case.text.replace("interface eth0", "interface eth7"),
        "retry" if case.block.name == "DNS_CHECK" => case.text.replace("retry 3", "retry 4"),
        "track_script" | "track_file" | "track_process" if !case.block.name.is_empty() => followed(case),
        _ if case.text.contains("\"/none a b\"") => script(case),
        "min_reply_length" | "max_reply_length" => with_reply(case),
        _ if case.block.name == "MISC_CHECK" || case.keyword.name == "MISC_CHECK" => {
            case.text.replace("misc_path /none", "misc_path /s/ok")
        }
        "retry" | "delay_before_retry" | "warmup" | "delay_loop" | "connect_timeout" | "alpha"
            if matches!(case.block.name, "virtual_server" | "real_server") =>
        {
            case.text.replace("weight 1\n", "weight 1\nTCP_CHECK {\n}\n")
        }
        "virtualhost" if matches!(case.block.name, "virtual_server" | "real_server") => {
            case.text.replace("weight 1\n", "weight 1\nHTTP_GET {\nurl {\npath /\n}\n}\n")
        }
        _ => case.text.clone(),
    }
}

/// With a reply to a datagram, for what is said of it.
fn with_reply(case: &Case) -> String {
    case.text.replace("UDP_CHECK {\n", "UDP_CHECK {\nrequire_reply 70\n")
}

/// With another setting in the instance.
fn beside(case: &Case, setting: &str) -> String {
    case.text.replace("virtual_router_id 3\n", &format!("virtual_router_id 3\n{setting}"))
}

/// Something to follow, in the block that names what is followed.
fn followed(case: &Case) -> String {
    let define = match case.keyword.name {
        "track_script" => "vrrp_script T {\nscript \"/s/ok\"\n}\n",
        "track_file" => "track_file T {\nfile /run/t\n}\n",
        _ => "vrrp_track_process T {\nprocess t\n}\n",
    };
    let found = case.text.rsplit_once(&format!("{} {{\n", case.keyword.name));
    let (before, after) = found.unwrap_or_else(|| panic!("{}: no block\n{}", case.name, case.text));
    format!("{define}{before}{} {{\nT\n{after}", case.keyword.name)
}

/// A script that is there.
fn script(case: &Case) -> String {
    case.text.replace("/none a b", "/s/ok a b")
}

const CHECKED: &str = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\n\
                       real_server 10.0.0.2 80 {\nTCP_CHECK {\n}\n}\n}\n";

/// The text without the keyword's line, and its block if it has one.
fn without(text: &str, case: &Case) -> String {
    let mut lines: Vec<_> = text.lines().collect();
    let keyword = |line: &&&str| line.split(' ').next() == Some(case.keyword.name);
    let from_end = matches!(
        case.keyword.name,
        "real_server" | "group" | "track_script" | "track_file" | "track_process"
    );
    let found = if from_end {
        lines.iter().position(|line| keyword(&line))
    } else {
        lines.iter().rposition(|line| keyword(&line))
    };
    let start = found.unwrap_or_else(|| panic!("{}: no line\n{text}", case.name));
    let mut end = start + 1;
    if case.keyword.block().is_some() {
        let mut depth = 1;
        while depth > 0 {
            depth += lines[end].matches('{').count();
            depth -= lines[end].matches('}').count();
            end += 1;
        }
    }
    lines.drain(start..end);
    lines.join("\n")
}

#[test]
fn a_keyword_that_may_stand_once_is_reported_the_second_time() {
    let mut count = 0;
    for case in of(Use::Good).filter(|case| case.keyword.again != Again::Counts) {
        let mut lines: Vec<_> = case.text.lines().collect();
        let keyword = lines[case.line - 1];
        let end = if case.keyword.block().is_some() {
            lines[case.line..].iter().position(|line| *line == "}").map_or(case.line, |at| case.line + at + 1)
        } else {
            case.line
        };
        let again: Vec<_> = lines[case.line - 1..end].to_vec();
        lines.splice(end..end, again);
        let loaded = read(&lines.join("\n"));
        let found: Vec<_> = loaded.diagnostics.iter().filter(|it| it.code == Code::Duplicate).collect();
        assert_eq!(found.len(), 1, "{}\n{}", case.name, loaded.render_all());
        assert_eq!(loaded.sources.text(found[0].span), keyword.trim_end_matches(" {"), "{}", case.name);
        assert_eq!(loaded.sources.location(found[0].related[0].0).line as usize, case.line, "{}", case.name);
        count += 1;
    }
    assert!(count > 40, "only {count} such keywords");
}

#[test]
fn a_missing_word_is_reported_at_its_keyword_as_keepalived_takes_it() {
    for case in of(Use::Missing) {
        let loaded = read(&case.text);
        let found: Vec<_> =
            at_line(&loaded, case.line).into_iter().filter(|it| it.code == Code::MissingParameter).collect();
        assert_eq!(found.len(), 1, "{}\n{}", case.name, loaded.render_all());
        assert_eq!(loaded.sources.text(found[0].span), case.keyword.name, "{}", case.name);
        assert_eq!(loaded.sources.location(found[0].span).column, 1, "{}", case.name);
        let missing = match case.keyword.takes {
            Takes::One(_, missing)
            | Takes::Many(_, missing)
            | Takes::Script(missing)
            | Takes::Words { missing, .. } => missing,
            Takes::Block(block) => match block.header {
                keyword::Header::Name(missing)
                | keyword::Header::OnlyName(missing)
                | keyword::Header::Words { missing, .. } => missing,
                keyword::Header::Nothing | keyword::Header::NothingElse => unreachable!("{}", case.name),
            },
            Takes::Flag | Takes::Maybe(_) => unreachable!("{}", case.name),
        };
        let effect = match missing {
            Missing::Fatal => Effect::Fatal,
            Missing::Reported => Effect::Reported,
            Missing::Silent => Effect::None,
        };
        assert_eq!(found[0].effect, effect, "{}", case.name);
        assert_eq!(loaded.test_status() == 2, missing == Missing::Fatal, "{}", case.name);
    }
}

#[test]
fn a_bad_value_is_reported_at_the_value() {
    let mut count = 0;
    for case in of(Use::Bad) {
        let loaded = read(&case.text);
        let bad = case.bad.as_deref().unwrap();
        let found: Vec<_> = at_line(&loaded, case.line)
            .into_iter()
            .filter(|it| it.severity != Severity::Note && it.code != Code::NotSupported)
            .collect();
        let codes = [
            Code::BadValue,
            Code::OutOfRange,
            Code::Adjusted,
            Code::UnknownOption,
            Code::UnknownUser,
            Code::Undefined,
            Code::UnknownInterface,
            Code::Conflict,
        ];
        assert!(
            found.iter().any(|it| codes.contains(&it.code) && loaded.sources.text(it.span).contains(bad)),
            "{}: nothing at `{bad}`\n{}\n{}",
            case.name,
            case.text,
            loaded.render_all()
        );
        assert_ne!(loaded.test_status(), 0, "{}", case.name);
        // The case of `vrf` has no interface.
        let fatal = case.keyword.name == "vrf";
        assert_eq!(loaded.start().is_ok(), !fatal, "{}: a bad value is no reason not to start", case.name);
        count += 1;
    }
    assert!(count > 200, "only {count} keywords have a bad value");
}

#[test]
fn a_keyword_in_the_wrong_block_is_told_where_it_belongs() {
    let blocks: Vec<_> = keyword::blocks();
    for block in &blocks {
        for keyword in block.keywords() {
            // A block that does not know it; the root and global_defs are easy to write.
            let (prefix, suffix, line) =
                if ROOT.find(keyword.name).is_none() { ("", "", 1) } else { ("global_defs {\n", "}\n", 2) };
            let loaded = read(&format!("{prefix}{} x\n{suffix}", keyword.name));
            let found = at_line(&loaded, line);
            let wrong: Vec<_> = found.iter().filter(|it| it.code == Code::WrongBlock).collect();
            assert_eq!(wrong.len(), 1, "{}/{}: {}", block.name, keyword.name, loaded.render_all());
            assert_eq!(loaded.sources.text(wrong[0].span), keyword.name);
            let hint = wrong[0].hint.as_deref().unwrap();
            let homes = keyword::homes(keyword.name);
            let named = homes.iter().any(|home| {
                if home.name.is_empty() {
                    hint.contains("outside all blocks")
                } else {
                    hint.contains(&format!("`{}`", home.keyword()))
                }
            });
            assert!(named, "{}: {hint}", keyword.name);
            assert_eq!(loaded.test_status(), 5);
        }
    }
}

#[test]
fn every_alias_means_a_keyword_of_its_block_and_has_no_home_of_its_own() {
    for block in keyword::blocks() {
        for alias in block.aliases() {
            let found = block.find(alias.name).unwrap_or_else(|| panic!("{} means nothing", alias.name));
            assert_eq!(found.keyword.name, alias.means);
            assert!(!block.keywords().any(|keyword| keyword.name == alias.name), "{}", alias.name);
        }
    }
}

/// What keeps a text from being a sentence that stands for itself: `stayd explain` shows it without its neighbours.
fn fault(doc: &str) -> Option<&'static str> {
    let first = doc.chars().next()?;
    let leans = ["The same", "That ", "Those ", "Its ", "It ", "They ", "Does so", "Sets that"];
    if !first.is_uppercase() && !['`', '<'].contains(&first) {
        Some("starts like no sentence")
    } else if !doc.ends_with('.') || doc.ends_with("..") {
        Some("does not end")
    } else if doc.split_whitespace().count() < 4 || doc.len() < 25 {
        Some("too short to say anything")
    } else if leans.iter().any(|word| doc.starts_with(word)) {
        Some("needs the text before it")
    } else if doc.contains("  ") || doc.matches('`').count() % 2 == 1 {
        Some("has stray blanks or backticks")
    } else {
        None
    }
}

#[test]
fn names_are_unique_and_every_keyword_is_documented() {
    let mut blocks = std::collections::BTreeSet::new();
    for block in keyword::blocks() {
        assert!(blocks.insert(block.name), "two blocks are called {}", block.name);
        let mut names = std::collections::BTreeSet::new();
        for keyword in block.keywords() {
            assert!(names.insert(keyword.name), "{}/{} twice", block.name, keyword.name);
            assert_eq!(fault(keyword.doc), None, "{}/{}: {}", block.name, keyword.name, keyword.doc);
            if keyword.since == keyword::OURS {
                continue;
            }
            let release: Vec<u32> = keyword.since.split('.').map(|part| part.parse().unwrap()).collect();
            assert_eq!(release.len(), 3, "{}/{}: {}", block.name, keyword.name, keyword.since);
        }
    }
}
