//! What keepalived 2.2.7 reports of virtual servers and their checks, measured one file at a time: the same status, and
//! the place of what is wrong.

mod common;

use common::read;
use config::{Code, Loaded, Severity};

fn with(lines: &str, real: &str) -> String {
    format!(
        "virtual_server 10.0.0.1 80 {{\nprotocol TCP\nlb_algo rr\nlb_kind NAT\n{lines}\n\
         real_server 10.0.0.2 80 {{\n{real}\n}}\n}}\n"
    )
}

fn page(lines: &str) -> String {
    with("", &format!("HTTP_GET {{\nurl {{\npath /\n{lines}\n}}\n}}"))
}

fn global(lines: &str) -> String {
    format!("global_defs {{\n{lines}\n}}\n") + &with("", "")
}

/// What is wrong, in the order of the file, with the text that it is about.
fn said(loaded: &Loaded) -> Vec<(Code, &str)> {
    let wrong = loaded.diagnostics.iter().filter(|it| it.severity != Severity::Note);
    wrong.map(|it| (it.code, loaded.sources.text(it.span))).collect()
}

/// Reported: status 5.
fn reported() -> Vec<(String, Code, &'static str)> {
    let digest = "000102030405060708090a0b0c0d0e0f";
    let session = "bfd_instance b {\nneighbor_ip 192.0.2.9\n}\n";
    let fwmark =
        "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\nha_suspend\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let mut cases = vec![
        (fwmark.to_owned(), Code::Conflict, "ha_suspend"),
        (with("hashed", ""), Code::Conflict, "hashed"),
        (page(&format!("digest {digest}\ndigest {digest}")), Code::Duplicate, digest),
        (page("status_code 300-200"), Code::BadValue, "300-200"),
        (page("status_code 200 - 300"), Code::BadValue, "-"),
        (with("", "DNS_CHECK {\nname a..b\n}"), Code::BadValue, "a..b"),
        (with("", "DNS_CHECK {\nname .\nname b\n}"), Code::Duplicate, "b"),
        (with("", "UDP_CHECK {\npayload 1 2g\n}"), Code::BadValue, "2g"),
        (with("", "UDP_CHECK {\npayload \"\"\n}"), Code::BadValue, "\"\""),
        (with("", "UDP_CHECK {\nmin_reply_length 9\nmax_reply_length 4\n}"), Code::Conflict, "4"),
        (
            session.to_owned() + &with("", "BFD_CHECK {\nname b\n}\nBFD_CHECK {\nname b\nalpha\n}"),
            Code::Duplicate,
            "b",
        ),
        (global("lvs_timeouts tcp 5 udp"), Code::MissingParameter, "udp"),
        (global("lvs_sync_daemon eth0\nlvs_sync_daemon eth1"), Code::Duplicate, "lvs_sync_daemon eth1"),
        (global("lvs_sync_daemon eth0 group 10.0.0.1"), Code::BadValue, "10.0.0.1"),
        (global("lvs_sync_daemon eth0 group x"), Code::BadValue, "x"),
        (global("lvs_sync_daemon eth0 A 7"), Code::Deprecated, "7"),
        (global("nftables_ipvs a\nnftables_ipvs b"), Code::Duplicate, "nftables_ipvs b"),
        ("SSL {\npassword a\n}\nSSL {\npassword b\n}\n".to_owned() + &with("", ""), Code::Duplicate, "SSL"),
    ];
    for kind in ["TCP_CHECK", "DNS_CHECK", "PING_CHECK", "UDP_CHECK"] {
        let other = with("", &format!("{kind} {{\nbindto 2001:db8::1\n}}"));
        cases.push((other, Code::WrongFamily, "2001:db8::1"));
    }
    for kind in ["TCP_CHECK", "DNS_CHECK", "PING_CHECK", "UDP_CHECK", "SMTP_CHECK"] {
        let link_local = with("", &format!("{kind} {{\nconnect_ip fe80::1\n}}"));
        cases.push((link_local, Code::MissingSetting, kind));
    }
    cases.push((with("", "SMTP_CHECK {\nhost {\nconnect_ip fe80::1\n}\n}"), Code::MissingSetting, "host"));
    cases
}

#[test]
fn what_keepalived_reports_is_reported_at_its_place_with_its_status() {
    for (text, code, place) in reported() {
        let loaded = read(&text);
        assert_eq!(said(&loaded), [(code, place)], "{text}");
        assert_eq!((loaded.test_status(), loaded.start()), (5, Ok(())), "{text}");
    }
}

#[test]
fn what_keepalived_drops_in_silence_is_said_without_a_status() {
    for (text, code, place) in [
        (page("regex a b"), Code::ExtraWords, "regex a b"),
        (page("regex_no_match"), Code::MissingSetting, "regex_no_match"),
        (page("regex a\nregex_stack 5 x"), Code::BadValue, "5"),
        (with("", "SMTP_CHECK {\nbindto 2001:db8::1\n}"), Code::WrongFamily, "2001:db8::1"),
    ] {
        let loaded = read(&text);
        assert_eq!(said(&loaded), [(code, place)], "{text}");
        assert_eq!(loaded.test_status(), 0, "{text}");
    }
}

#[test]
fn what_keepalived_takes_is_taken_without_a_word() {
    let group = "virtual_server_group G {\n10.0.0.1 80\n}\nvirtual_server group G {\nlb_algo rr\nlb_kind NAT\n\
                 protocol TCP\nha_suspend\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let files = "track_file f {\nfile /run/f\n}\n".to_owned()
        + &with("", "FILE_CHECK {\ntrack_file f\n}\nFILE_CHECK {\ntrack_file f\nweight 5\n}");
    for text in [
        group.to_owned(),
        files,
        with("lb_algo sh\nhashed", ""),
        with("", "UDP_CHECK {\npayload \"1 2\"\nrequire_reply 1X\n}"),
        with("", "DNS_CHECK {\nname example.org.\n}\nDNS_CHECK {\nname .\n}"),
        page("regex \"\"\nregex_options caseless caseless\nregex_options dotall"),
        page("status_code 200-300 250-400"),
        global("lvs_timeouts tcp 5\nlvs_timeouts udp 6"),
        global("lvs_sync_daemon eth0 A port 9"),
    ] {
        let loaded = read(&text);
        assert_eq!((said(&loaded), loaded.test_status()), (vec![], 0), "{text}");
    }
}

#[test]
fn the_script_of_a_pipe_counts_where_something_would_write_to_the_pipe() {
    let instance =
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 3\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
    let status = |keyword: &str, rest: &str| {
        let text = format!("global_defs {{\n{keyword} /s/ok\n}}\n{rest}");
        common::read_with_script(&text).test_status()
    };
    let server = with("", "");
    for (keyword, alone, with_instance, with_server) in [
        ("notify_fifo_script", 0, 6, 6),
        ("vrrp_notify_fifo_script", 0, 6, 0),
        ("lvs_notify_fifo_script", 0, 0, 6),
    ] {
        let found = [status(keyword, ""), status(keyword, instance), status(keyword, &server)];
        assert_eq!(found, [alone, with_instance, with_server], "{keyword}");
    }
}

#[test]
fn a_pipe_has_one_script_and_one_path() {
    for pipe in ["notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo"] {
        let lines = format!("{pipe}_script /s/ok\n{pipe}_script \"/s/ok b\"\n{pipe} /run/a\n{pipe} /run/b");
        let text = global(&format!("enable_script_security\nscript_user root\n{lines}"));
        let loaded = common::read_with_script(&text);
        let (script, path) = (format!("{pipe}_script \"/s/ok b\""), format!("{pipe} /run/b"));
        assert_eq!(said(&loaded), [(Code::Duplicate, script.as_str()), (Code::Duplicate, path.as_str())]);
        assert_eq!(loaded.test_status(), 5, "{pipe}");
    }
}

#[test]
fn of_two_lines_that_keepalived_counts_once_the_first_is_kept() {
    let loaded =
        read(&global("lvs_sync_daemon eth0 id 4\nlvs_sync_daemon eth1\nnftables_ipvs a\nnftables_ipvs b"));
    let lvs = &loaded.model.lvs;
    let daemon = lvs.sync_daemon.as_ref().unwrap();
    assert_eq!((daemon.interface.as_str(), daemon.id, lvs.nftables.table.as_str()), ("eth0", 4, "a"));
    let loaded = read("SSL {\npassword a\nca /a\n}\nSSL {\npassword b\n}\n");
    let tls = loaded.model.lvs.tls.unwrap();
    assert_eq!((tls.password.as_deref(), tls.ca), (Some("b"), None), "of two SSL the last");
}
