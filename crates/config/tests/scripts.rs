//! Scripts: what is run, by whom, and what follows it.

mod common;

use std::time::Duration;

use checker::ProbeSpec;
use common::options;
use config::model::{Command, Identity};
use config::{Code, Diagnostic, Loaded, MemoryFiles, MemoryHost, Severity, load};
use vrrp::{Track, TrackerId, TrackerKind};

fn host() -> MemoryHost {
    common::host().with_script("/s/ok").with_script("ok").with_insecure_script("/s/open")
}

fn on(host: &MemoryHost, text: &str) -> Loaded {
    load("keepalived.conf", &MemoryFiles::one("keepalived.conf", text), host, &options())
}

fn wrong(loaded: &Loaded) -> Vec<Code> {
    let wrong = |it: &&Diagnostic| it.severity != Severity::Note;
    loaded.diagnostics.iter().filter(wrong).map(|it| it.code).collect()
}

const SECURITY: &str = "global_defs {\nenable_script_security\nscript_user root\n}\n";

fn instance(lines: &str) -> String {
    format!(
        "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 3\nvirtual_ipaddress {{\n10.0.0.1\n}}\n{lines}\n}}\n"
    )
}

fn script(lines: &str) -> String {
    format!("vrrp_script s {{\n{lines}\n}}\n")
}

fn command(argv: &[&str], user: Option<&str>) -> Command {
    let identity = user.map(|user| Identity { user: user.to_owned(), group: None });
    Command { argv: argv.iter().map(|word| (*word).to_owned()).collect(), identity }
}

fn track(weight: i16, reverse: bool) -> Track {
    Track { tracker: TrackerId::new(TrackerKind::Script, "s"), weight, reverse }
}

#[test]
fn a_script_has_keepaliveds_defaults() {
    let text = SECURITY.to_owned() + &script("script \"/s/ok 'a b'\"") + &instance("track_script {\ns\n}");
    let loaded = on(&host(), &text);
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![], 0), "{}", loaded.render_all());
    let [script] = loaded.model.scripts.as_slice() else { panic!() };
    assert_eq!((script.name.as_str(), &script.command), ("s", &command(&["/s/ok", "a b"], None)));
    assert_eq!((script.interval, script.limit()), (Duration::from_secs(1), Duration::from_secs(1)));
    assert_eq!(
        (script.weight, script.reverse, script.rise, script.fall, script.init_fail),
        (0, false, 1, 1, false)
    );
    let tracks = &loaded.model.vrrp.instances[0].tracks;
    assert_eq!(tracks, &[track(0, false)]);
}

#[test]
fn the_lines_of_a_script_are_kept() {
    let lines =
        "script ok\ninterval 2.5\ntimeout 10\nweight -20 reverse\nrise 3\nfall 2\nuser root\ninit_fail";
    let loaded = on(&host(), &(SECURITY.to_owned() + &script(lines) + &instance("track_script {\ns\n}")));
    let script = &loaded.model.scripts[0];
    assert_eq!((script.interval, script.limit()), (Duration::from_millis(2500), Duration::from_secs(10)));
    assert_eq!(
        (script.weight, script.reverse, script.rise, script.fall, script.init_fail),
        (-20, true, 3, 2, true)
    );
    assert_eq!(script.command, command(&["ok"], Some("root")));
    let tracks = &loaded.model.vrrp.instances[0].tracks;
    assert_eq!(tracks, &[track(-20, true)], "its own weight");
}

#[test]
fn a_line_of_track_script_may_give_another_weight() {
    for (line, weight, codes) in [
        ("s weight 5", (5, false), vec![]),
        ("s weight -5 reverse", (-5, true), vec![]),
        ("s weight 254", (253, false), vec![Code::Adjusted]),
        ("s weight=5", (0, false), vec![Code::UnknownOption]),
        ("s weight", (0, false), vec![Code::MissingParameter]),
        ("s weight five", (0, false), vec![Code::BadValue]),
    ] {
        let text =
            SECURITY.to_owned() + &script("script ok") + &instance(&format!("track_script {{\n{line}\n}}"));
        let loaded = on(&host(), &text);
        let track = &loaded.model.vrrp.instances[0].tracks[0];
        assert_eq!(((track.weight, track.reverse), wrong(&loaded)), (weight, codes), "{line}");
    }
}

#[test]
fn a_script_that_is_nowhere_defined_is_ignored_and_said_with_a_hint() {
    let loaded = on(
        &host(),
        &(script("script ok").replace("_script s", "_script check_web")
            + &instance("track_script {\nchek_web\n}")),
    );
    let undefined = loaded.diagnostics.iter().find(|it| it.code == Code::Undefined).unwrap();
    assert_eq!(undefined.hint.as_deref(), Some("did you mean `check_web`?"));
    assert_eq!(loaded.start(), Ok(()));
    assert_eq!(loaded.model.vrrp.instances[0].tracks, []);
}

#[test]
fn a_script_that_is_defined_too_late_is_said_to_be() {
    let loaded = on(&host(), &(instance("track_script {\ns\n}") + &script("script ok")));
    let undefined = loaded.diagnostics.iter().find(|it| it.code == Code::Undefined).unwrap();
    assert_eq!(loaded.sources.location(undefined.related[0].0).line, 11, "{}", loaded.render_all());
    assert!(undefined.hint.as_deref().unwrap().contains("above"));
}

#[test]
fn a_script_that_is_not_there_is_not_run() {
    let text = script("script /s/none") + &instance("track_script {\ns\n}");
    let loaded = on(&host(), &text);
    assert_eq!(
        (wrong(&loaded), loaded.test_status(), loaded.start()),
        (vec![Code::ScriptNotFound], 5, Ok(()))
    );
    assert_eq!((loaded.model.scripts.len(), loaded.model.vrrp.instances[0].tracks.len()), (0, 0));
    let loaded = on(&host(), &script("script /s/none"));
    assert_eq!(loaded.test_status(), 0, "without an instance keepalived does not look");
}

#[test]
fn a_block_without_script_is_ignored() {
    let loaded = on(&host(), &(script("interval 2") + &instance("track_script {\ns\n}")));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::MissingSetting], 5), "said once");
}

#[test]
fn words_beside_the_quotes_of_a_script_are_dropped_and_said() {
    let loaded =
        on(&host(), &(SECURITY.to_owned() + &script("script ok -0 web") + &instance("track_script {\ns\n}")));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::ExtraWords], 0));
    assert_eq!(loaded.model.scripts[0].command, command(&["ok"], None));
    assert!(
        loaded.diagnostics.iter().any(|it| it.hint.as_deref().is_some_and(|hint| hint.contains("quotes")))
    );
}

#[test]
fn a_test_that_a_file_can_be_opened_is_the_shells() {
    let loaded = on(&host(), &(script("script \"</run/up\"") + &instance("track_script {\ns\n}")));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![], 0));
    assert_eq!(loaded.model.scripts[0].command, command(&["/bin/sh", "-c", "</run/up"], None));
}

#[test]
fn scripts_without_security_are_run_and_give_status_6() {
    for text in [
        script("script ok") + &instance(""),
        instance("notify /s/ok"),
        "global_defs {\nstartup_script /s/ok\n}\n".to_owned(),
        "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 80 {\nnotify_up /s/ok\n}\n}\n"
            .to_owned(),
    ] {
        let loaded = on(&host(), &text);
        assert_eq!((wrong(&loaded), loaded.test_status(), loaded.start()), (vec![Code::ScriptSecurity], 6, Ok(())), "{text}");
        let secure = on(&host(), &format!("{SECURITY}{text}"));
        assert_eq!((wrong(&secure), secure.test_status()), (vec![], 0), "{text}");
    }
}

#[test]
fn with_security_scripts_that_others_can_change_are_not_run_as_root() {
    let text =
        SECURITY.to_owned() + &script("script /s/open") + &instance("track_script {\ns\n}\nnotify /s/open");
    let loaded = on(&host(), &text);
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::ScriptSecurity, Code::ScriptSecurity], 5));
    assert_eq!((loaded.model.scripts.len(), loaded.model.vrrp_events["A"].notify.any.clone()), (0, None));
    let other = text.replace("script_user root", "script_user web");
    let loaded = on(&host().with_user("web"), &other);
    assert_eq!((wrong(&loaded), loaded.model.scripts.len()), (vec![], 1));
}

#[test]
fn with_security_somebody_has_to_run_scripts() {
    let text = "global_defs {\nenable_script_security\n}\n".to_owned()
        + &script("script ok")
        + &instance("track_script {\ns\n}");
    let loaded = on(&host(), &text);
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::UnknownUser], 5));
    let loaded = on(&host().with_user("keepalived_script"), &text);
    assert_eq!((wrong(&loaded), loaded.model.scripts.len()), (vec![], 1));
}

#[test]
fn users_that_do_not_exist_lose_their_scripts() {
    let globals = "global_defs {\nscript_user nobody-here\n}\n".to_owned();
    let loaded = on(&host(), &(globals + &script("script ok") + &instance("track_script {\ns\n}")));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::UnknownUser, Code::UnknownUser], 5));
    let loaded = on(&host(), &(script("script ok\nuser nobody-here") + &instance("track_script {\ns\n}")));
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::UnknownUser], 5));
    let loaded = on(&host(), &instance("notify /s/ok nobody-here"));
    assert_eq!(
        (wrong(&loaded), loaded.test_status()),
        (vec![Code::UnknownUser], 0),
        "keepalived says nothing"
    );
}

#[test]
fn only_scripts_that_somebody_would_run_need_security() {
    let server = |target: &str, real: &str| {
        format!(
            "virtual_server {target} {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\nquorum_up /s/ok\n{real}}}\n"
        )
    };
    let group = "vrrp_sync_group S {\ngroup {\nA\nB\n}\nnotify /s/ok\n}\n";
    let misc = "real_server fd00::2 80 {\nnotify_up /s/ok\nMISC_CHECK {\nmisc_path /s/ok\n}\n}\n";
    let real = "real_server 10.0.0.2 80 {\n}\n";
    for (text, status) in [
        (server("10.0.0.1 80", real), 6),
        (server("10.0.0.1 80", ""), 5),
        (server("group G", real), 0),
        (server("10.0.0.1 80", &(misc.to_owned() + real)).replace("quorum_up /s/ok\n", ""), 6),
        (
            server("10.0.0.1 80", &(misc.replace("MISC_CHECK {\nmisc_path /s/ok\n}\n", "") + real))
                .replace("quorum_up /s/ok\n", ""),
            5,
        ),
        (group.to_owned(), 5),
        (group.to_owned() + &instance(""), 6),
    ] {
        let loaded = on(&host(), &text);
        assert_eq!(loaded.test_status(), status, "{text}\n{}", loaded.render_all());
    }
}

#[test]
fn the_parent_s_scripts_need_an_existing_user() {
    for line in ["startup_script /s/ok nobody-here", "shutdown_script /s/ok root nobody-here"] {
        let loaded = on(&host(), &format!("global_defs {{\n{line}\n}}\n"));
        assert_eq!((wrong(&loaded), loaded.test_status()), (vec![Code::UnknownUser], 5), "{line}");
    }
}

#[test]
fn notify_scripts_take_a_user_after_their_quotes() {
    let lines = "notify_master \"/s/ok up\" root\nnotify_backup /s/ok\nnotify '/s/ok x'\nnotify /s/ok\nnotify_stop /s/none\nsmtp_alert";
    let loaded = on(&host(), &(SECURITY.to_owned() + &instance(lines)));
    let events = &loaded.model.vrrp_events["A"];
    assert_eq!(events.notify.master, Some(command(&["/s/ok", "up"], Some("root"))));
    assert_eq!(events.notify.backup, Some(command(&["/s/ok"], None)));
    assert_eq!(events.notify.any, Some(command(&["/s/ok", "x"], None)), "the first counts");
    assert_eq!((events.notify.stop.clone(), events.smtp_alert), (None, true));
    assert_eq!(wrong(&loaded), [Code::Duplicate, Code::ScriptNotFound]);
    assert_eq!(loaded.test_status(), 5);
}

#[test]
fn a_misc_check_keeps_its_command_and_time() {
    let text = SECURITY.to_owned()
        + "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlb_algo rr\nlb_kind NAT\ndelay_loop 7\nreal_server 10.0.0.2 80 {\n\
           MISC_CHECK {\nmisc_path \"/s/ok a\"\nmisc_dynamic\n}\n}\n}\n";
    let loaded = on(&host(), &text);
    assert_eq!((wrong(&loaded), loaded.test_status()), (vec![], 0));
    let server = loaded.model.virtual_servers.iter().next().unwrap();
    let [check] = server.real_servers[0].checks.as_slice() else { panic!() };
    let ProbeSpec::Misc(misc) = &check.probe else { panic!("{check:?}") };
    assert_eq!(
        (misc.argv.join(" "), misc.timeout, misc.dynamic),
        ("/s/ok a".into(), Duration::from_secs(7), true)
    );
    assert_eq!((check.retry, check.delay_before_retry.get()), (0, Duration::from_secs(1)));
}

#[test]
fn mails_are_kept() {
    let loaded = on(
        &host(),
        "global_defs {\nnotification_email {\na@example.org b@example.org\nc@example.org\n}\n\
         notification_email_from me@example.org\nsmtp_server 192.0.2.25 2525\nsmtp_connect_timeout 9\nsmtp_helo_name h\n\
         no_email_faults\nno_checker_emails\n}\n",
    );
    let mail = &loaded.model.globals.mail;
    assert_eq!(mail.to, ["a@example.org", "b@example.org", "c@example.org"]);
    assert_eq!((mail.from.as_deref(), mail.helo.as_deref()), (Some("me@example.org"), Some("h")));
    assert_eq!(
        (mail.server.clone(), mail.timeout),
        (Some(("192.0.2.25".to_owned(), 2525)), Duration::from_secs(9))
    );
    assert!(mail.no_faults && mail.no_checkers);
    assert_eq!(wrong(&loaded), []);
}
