//! The language around keywords: files, conditions, definitions, sequences, bytes.

#![expect(clippy::unwrap_used, reason = "what the helpers of a test cannot have fails the test")]

mod common;

use common::{host, options, read};
use config::{Code, IncludeCheck, Loaded, MemoryFiles, Options, load};

/// The words of unknown keywords, in order: they show what reading made of a text.
fn unknown(loaded: &Loaded) -> Vec<String> {
    let unknown = loaded.diagnostics.iter().filter(|it| it.code == Code::UnknownKeyword);
    unknown.map(|it| it.message.split('`').nth(1).unwrap().to_owned()).collect()
}

fn places(loaded: &Loaded, code: Code) -> Vec<String> {
    let of_code = loaded.diagnostics.iter().filter(|it| it.code == code);
    of_code
        .map(|it| {
            let place = loaded.sources.location(it.span);
            format!("{}:{}:{}", loaded.sources.name(it.span), place.line, place.column)
        })
        .collect()
}

/// What reading makes of a text of words that are no keywords, in the order of their places.
#[track_caller]
fn reads(text: &str, words: &[&str]) {
    assert_eq!(unknown(&read(text)), words, "{text}");
}

#[test]
fn a_definition_stands_for_its_value() {
    reads("$X=abc\n$X 1\n", &["abc"]);
    reads("$X= abc # comment\n${X}d\n", &["abcd"]);
    reads("$X=abc\n$X,d\n", &["abc,d"]);
    reads("$X=abc\n$X)d\n", &["abc)d"]);
    reads("  $X=\"abc def\"\n$X\n", &["abc def"]);
    reads("$X=1\n\"zz $X\"\n", &["zz $X"]);
    reads("$X=1\n\"zz ${X}\"\n", &["zz 1"]);
}

#[test]
fn a_definition_is_expanded_where_it_is_used_not_where_it_stands() {
    reads("$X=$Y\n$Y=abc\n$X\n", &["abc"]);
    reads("$X=abc\n$X=def\n$X\n", &["def"]);
}

#[test]
fn a_name_needs_a_boundary_or_braces() {
    reads("$X=abc\n$Xd 1\n", &["$Xd"]);
    reads("$X=abc\n$X.d 1\n", &["$X.d"]);
    reads("$X=abc\n$X/d 1\n", &["$X/d"]);
}

#[test]
fn an_undefined_name_stays_and_is_reported_with_what_may_be_meant() {
    let loaded = read("$INTERFACE=eth0\nglobal_defs {\nrouter_id $INTERFAC\n}\n");
    assert_eq!(places(&loaded, Code::UndefinedName), ["keepalived.conf:3:11"]);
    assert_eq!(loaded.diagnostics[0].hint.as_deref(), Some("did you mean `$INTERFACE`?"));
    assert_eq!(loaded.model.globals.router_id.as_deref(), Some("$INTERFAC"));
    assert_eq!(loaded.test_status(), 0, "keepalived says nothing");
}

#[test]
fn a_definition_of_several_lines_is_put_in_whole() {
    reads("$X= \\\nfoo1 a \\\nfoo2 b\n$X\n", &["foo1", "foo2"]);
    reads("$X=foo0 \\\nfoo1 a \\\nfoo2 b\nbar $X\n", &["foo1", "foo2", "bar"]);
    reads("$X=foo0 \\\n# foo1 \\\nfoo2\n$X\n", &["foo0", "foo2"]);
    reads("$X=foo0 \\ # comment\nfoo1 # a \\\nfoo2\n$X\n", &["foo0", "foo1", "foo2"]);
    reads("$Y=foo0 \\\nfoo1\n$X=bar0 \\\n$Y \\\nbar1\n$X\n", &["foo0", "foo1", "bar0", "bar1"]);
}

#[test]
fn a_definition_of_several_lines_amid_a_line_is_left_and_reported() {
    let loaded = read("$X=foo0 \\\nfoo1\n$X bar\n");
    assert_eq!(unknown(&loaded), ["$X"]);
    assert_eq!(places(&loaded, Code::MisplacedDefinition), ["keepalived.conf:3:1"]);
}

#[test]
fn what_is_wrong_in_a_definition_is_reported_there() {
    let loaded = read("$BLOCK= \\\nvrrp_instance A { \\\n  interface eth0 \\\n  bogus 1 \\\n}\n\n$BLOCK\n");
    assert_eq!(places(&loaded, Code::UnknownKeyword), ["keepalived.conf:4:3"]);
    let loaded = read("$IF=eth9\nvrrp_instance A {\n\tinterface $IF\n}\n");
    assert_eq!(places(&loaded, Code::UnknownInterface), ["keepalived.conf:3:12"]);
}

#[test]
fn a_definition_that_contains_itself_ends() {
    let loaded = read("$X=a$X\n$X\n");
    assert_eq!(places(&loaded, Code::RecursiveDefinition), ["keepalived.conf:2:1"]);
    let doubling: Vec<_> = (0..60).map(|n| format!("$X{n}=${{X{0}}}${{X{0}}}\n", n + 1)).collect();
    let doubling = doubling.concat();
    let loaded = read(&format!("{doubling}$X60=x\n$X0\n"));
    assert!(!loaded.diagnostics.is_empty());
}

#[test]
fn predefined_names_are_known() {
    reads("a${_HASH}b${_BANG}\n", &["a#b!"]);
    reads("${_INSTANCE}x\n", &["nodex"]);
    reads("x${_PWD}\n", &["x/etc/keepalived"]);
    let files = MemoryFiles::one("/a/b/c.conf", "x${_PWD} ${_ENV PLACE}\nx${_ENV PLACE}\nx${_ENV NONE}\n");
    let host = host().with_environment("PLACE", "there");
    assert_eq!(unknown(&load("/a/b/c.conf", &files, &host, &options())), ["x/a/b", "xthere", "x"]);
}

#[test]
fn random_numbers_lie_in_their_range_and_follow_the_seed() {
    let text = "a${_RANDOM 5 6}\n".repeat(50) + &"b${_RANDOM}\n".repeat(50);
    let words = |seed| {
        let options = Options { random_seed: seed, ..options() };
        unknown(&load("f", &MemoryFiles::one("f", text.clone()), &host(), &options))
    };
    let first = words(1);
    let (small, large) = first.split_at(50);
    assert!(small.iter().all(|word| word == "a5" || word == "a6"), "{small:?}");
    assert!(small.contains(&"a5".to_owned()) && small.contains(&"a6".to_owned()));
    assert!(large.iter().all(|word| word[1..].parse::<u32>().unwrap() <= 32767), "{large:?}");
    assert_eq!(first, words(1));
    assert_ne!(first, words(2));
}

#[test]
fn a_sequence_gives_a_line_for_each_number() {
    reads("~SEQ(V, 1, 3) foo${V}x\n", &["foo1x", "foo2x", "foo3x"]);
    reads("~SEQ(V, 1, 2, 6) foo$V\n", &["foo1", "foo3", "foo5"]);
    reads("~SEQ(V, 3) foo$V\n", &["foo1", "foo2", "foo3"]);
    reads("~SEQ(V, 3, 1) foo$V\n", &["foo3", "foo2", "foo1"]);
    reads("~SEQ(V, -2) foo$V\n", &["foo-1", "foo-2"]);
    reads("~SEQ(V, 0) foo$V\n", &["foo1", "foo0"]);
    reads("~SEQx(V, 9, 11) foo$V\n", &["foo9", "fooa", "foob"]);
    reads("~SEQ(V, 0x9, 0xb) foo$V\n", &["foo9", "foo10", "foo11"]);
    reads("~SEQ(V,1,2) ~SEQ(W,1,$V) foo${V}_$W\n", &["foo1_1", "foo2_1", "foo2_2"]);
    reads("$N=2\n~SEQ(V,1,$N)foo$V\n", &["foo1", "foo2"]);
    reads("$X=foo$V a \\\nbar$V b\n~SEQ(V,1,2) $X\n", &["foo1", "foo2", "bar1", "bar2"]);
    reads("$V=9\n~SEQ(V,1,2) foo$V\n", &["foo1", "foo2"]);
}

#[test]
fn a_list_gives_a_line_for_each_value() {
    reads("~LST(V, a, b) foo$V\n", &["fooa", "foob"]);
    reads("~LST({A,B}, {1,2}, {3,4}) foo${A}_$B\n", &["foo1_2", "foo3_4"]);
    reads("~LST({A,B}, {1,2}, 3) foo${A}_$B\n", &["foo1_2", "foo3_"]);
}

#[test]
fn the_last_value_of_a_sequence_stays() {
    reads("~SEQ(x, 2) a${x}\nb${x}\n", &["a1", "a2", "b2"]);
    reads("$x=c\n~LST(x, d) a${x}\nb${x}\n", &["ad", "bd"]);
    reads("~SEQ(x, 2) $Y=a${x}\n$Y\n", &["a2"]);
}

#[test]
fn numbers_of_a_sequence_are_written_as_in_c() {
    reads("~SEQ(x, 0X8, 0XA) a${x}\n", &["a8", "a9", "a10"]);
    reads("~SEQ(x, 010, +9) a${x}\n", &["a8", "a9"]);
    reads("~SEQ (x, 2) a${x}\n", &["a1", "a2"]);
    reads("$A=1\n$B=2\n~SEQ(x, $A, ${B}) a${x}\n", &["a1", "a2"]);
}

#[test]
fn definitions_give_values_but_no_commas_to_a_sequence() {
    reads("$V=q,r\n~LST(x, $V) a${x}\n", &["aq,r"]);
    for text in ["$V=x,1,2\n~SEQ($V) a\n", "$V=x,a\n~LST($V) a\n"] {
        assert_eq!(places(&read(text), Code::BadSequence), ["keepalived.conf:2:1"], "{text}");
    }
}

#[test]
fn a_bad_sequence_is_reported_and_its_line_lost() {
    for text in [
        "~SEQ(V, 1, 0, 3) x",
        "~SEQ(V, 1, -1, 3) x",
        "~SEQ(V x",
        "~SEQ(V,a,b) x",
        "~SEQ(V,1,2,3,4) x",
        "~LST(V) x",
        "~LST({A,B}, {1,2,3}) x",
        "~SEQ() x",
    ] {
        let loaded = read(&format!("{text}\n"));
        assert_eq!(places(&loaded, Code::BadSequence), ["keepalived.conf:1:1"], "{text}");
        assert_eq!(unknown(&loaded), [] as [&str; 0], "{text}");
        assert_eq!(loaded.test_status(), 5);
    }
}

#[test]
fn a_sequence_without_end_is_bounded() {
    let loaded = read("~SEQ(A,1,4000000000) ~SEQ(B,1,4000000000) foo\nrest\n");
    assert_eq!(places(&loaded, Code::TooLong), ["keepalived.conf:1:22"]);
    assert_eq!(loaded.start(), Err(6));
}

#[test]
fn a_condition_drops_a_line_or_lets_it_stand() {
    reads("@node foo\n@other bar\n@^node baz\n@^other qux\n", &["foo", "qux"]);
    reads("@node\tfoo\n@node\n@^other\n@ foo\n", &["foo"]);
    reads("@node $X=foo\n@other $X=bar\n$X\n", &["foo"]);
    reads("$Q=@other foo\n$Q\n", &[]);
    reads("vrrp_instance A {\n@other bogus1\n@node bogus2\n}\n", &["bogus2"]);
}

fn including(main: &str) -> Loaded {
    let files = MemoryFiles::one("d/main.conf", main)
        .with("d/a.conf", "in_a\n")
        .with("d/b.conf", "in_b\n")
        .with("d/sub/c.conf", "include d.conf\n")
        .with("d/sub/d.conf", "in_d\n")
        .with("d/self.conf", "include self.conf\ninclude self.conf\n")
        .with_executable("d/run.conf", "in_run\n");
    load("d/main.conf", &files, &host(), &options())
}

#[test]
fn an_included_file_stands_in_the_place_of_its_line() {
    assert_eq!(unknown(&including("x\ninclude a.conf # comment\ny\n")), ["x", "y", "in_a"]);
    assert_eq!(places(&including("include a.conf\n"), Code::UnknownKeyword), ["d/a.conf:1:1"]);
    assert_eq!(unknown(&including("include [ab].conf\n")), ["in_a", "in_b"]);
    assert_eq!(unknown(&including("include {b,a}.conf\n")), ["in_b", "in_a"]);
    assert_eq!(unknown(&including("vrrp_instance A {\ninclude a.conf\n}\n")), ["in_a"]);
    assert_eq!(unknown(&including("@node include a.conf\n@other include b.conf\n")), ["in_a"]);
}

#[test]
fn a_relative_name_is_looked_up_beside_the_file_that_includes_it() {
    assert_eq!(places(&including("include sub/c.conf\n"), Code::UnknownKeyword), ["d/sub/d.conf:1:1"]);
}

#[test]
fn each_form_of_include_insists_on_what_keepalived_insists_on() {
    // The forms that give status 6 for each kind of problem, measured with 2.2.7; all others give 0.
    for (pattern, strict) in [
        ("none.conf", &["includem", "includew", "includea"][..]),
        ("none*.conf", &["includew", "includea"]),
        ("{x,sub/d}.conf", &["includeb", "includea"]),
        ("run.conf", &["includer", "includem", "includew", "includeb", "includea"]),
        ("sub", &["includer", "includem", "includew", "includeb", "includea"]),
    ] {
        for form in ["include", "includer", "includem", "includew", "includeb", "includea"] {
            let loaded = including(&format!("{form} {pattern}\n"));
            let found = !unknown(&loaded).is_empty();
            let lenient = if found { 5 } else { 0 };
            let expected = if strict.contains(&form) { (6, Err(6)) } else { (lenient, Ok(())) };
            assert_eq!(
                (loaded.test_status(), loaded.start()),
                expected,
                "{form} {pattern}\n{}",
                loaded.render_all()
            );
        }
    }
}

#[test]
fn include_check_and_the_command_line_make_every_form_strict() {
    let loaded = including("include none.conf\nglobal_defs {\ninclude_check match\n}\ninclude none.conf\n");
    let strict: Vec<_> = loaded.diagnostics.iter().map(|it| it.effect.start_status()).collect();
    assert_eq!(strict, [None, Some(6)]);
    let options = Options { include_check: IncludeCheck::ALL, ..options() };
    let files = MemoryFiles::one("f", "include none*\n");
    assert_eq!(load("f", &files, &host(), &options).start(), Err(6));
}

#[test]
fn include_check_counts_only_in_global_defs_and_alone_means_everything() {
    for (globals, status) in [
        ("global_defs {\ninclude_check match\n}", 6),
        ("global_defs { include_check \"match\" }", 6),
        ("global_defs\n{\n\"include_check\" match\n}", 6),
        ("global_defs {\ninclude_check read\n}", 0),
        ("global_defs {\ninclude_check\n}", 6),
        ("include_check match", 5),
        ("SSL {\ninclude_check match\n}", 5),
        ("global_defs {\n}\nSSL {\ninclude_check match\n}", 5),
    ] {
        let loaded = read(&format!("{globals}\ninclude missing.conf\n"));
        assert_eq!(loaded.test_status(), status, "{globals}\n{}", loaded.render_all());
    }
}

#[test]
fn of_braces_only_elements_without_wildcards_are_missed() {
    let status = |line: &str| including(&format!("{line}\n")).test_status();
    for (line, expected) in [
        ("includeb {none,nor}.conf", 6),
        ("includem {none,nor}.conf", 0),
        ("includew {none,nor}.conf", 0),
        ("includeb {none,nor*}.conf", 6),
        ("includew {none,nor*}.conf", 0),
        ("includeb {none*,nor*}.conf", 0),
        ("includew {none*,nor*}.conf", 6),
        // A word of the file that is found is no keyword.
        ("includea {a,none*}.conf", 5),
        ("includea {a,none}*.conf", 5),
        ("includeb {none", 6),
    ] {
        assert_eq!(status(line), expected, "{line}");
    }
}

#[test]
fn the_name_of_a_file_may_use_definitions() {
    let files = MemoryFiles::one(
        "/e/k.conf",
        "$D=d\ninclude ${D}/one.conf\ninclude ${_PWD}/d/two.conf\n~LST(x, a, b) include d/${x}.conf\n",
    )
    .with("/e/d/one.conf", "one\n")
    .with("/e/d/two.conf", "two\n")
    .with("/e/d/a.conf", "a1\n")
    .with("/e/d/b.conf", "b1\n");
    assert_eq!(unknown(&load("/e/k.conf", &files, &host(), &options())), ["one", "two", "a1", "b1"]);
}

#[test]
fn what_follows_a_brace_is_read_like_a_line() {
    reads("SSL { @node foo1\n@other foo2\n} @^other foo3\n", &["foo1", "foo3"]);
    reads("SSL { @other foo1\n}\n", &[]);
    reads("SSL { $X=foo1\n$X\n}\n", &["foo1"]);
    reads("SSL { $X= \\\nfoo1 \\\nfoo2\n$X\n}\n", &["foo1", "foo2"]);
    reads("SSL { ~SEQ(x, 2) foo${x}\n}\n", &["foo1", "foo2"]);
    reads("$X=SSL { @node foo1 }\n$X\n", &["foo1"]);
    reads("foo1 \"{\" @node foo2\n", &["foo1"]);
    let files = MemoryFiles::one("k.conf", "SSL { include one.conf\n}\n").with("one.conf", "one\n");
    let loaded = load("k.conf", &files, &host(), &options());
    assert_eq!(places(&loaded, Code::UnknownKeyword), ["one.conf:1:1"]);
}

#[test]
fn files_that_include_themselves_are_stopped() {
    let loaded = including("include self.conf\n");
    assert_eq!(places(&loaded, Code::IncludeTooDeep), ["d/self.conf:1:9"]);
    assert_eq!(loaded.start(), Err(6));
}

#[test]
fn include_without_a_name_is_an_unknown_keyword() {
    let loaded = read("include\n");
    assert_eq!(loaded.diagnostics[0].message, "`include` needs the name of a file");
    assert_eq!(loaded.test_status(), 5);
}

#[test]
fn without_a_configuration_a_test_gives_0_and_a_daemon_6() {
    for (main, what) in
        [("none.conf", "does not exist"), ("d", "is a directory"), ("d/run.conf", "is executable")]
    {
        let files = MemoryFiles::one("d/a.conf", "").with_executable("d/run.conf", "");
        let loaded = load(main, &files, &host(), &options());
        assert_eq!((loaded.test_status(), loaded.start()), (0, Err(6)), "{main}");
        assert!(loaded.diagnostics[0].message.contains(what), "{}", loaded.render_all());
        assert!(loaded.render_all().contains(&format!("{main}:1:1")), "{}", loaded.render_all());
    }
}

#[test]
fn a_pattern_of_several_files_reads_all_of_them() {
    let files = MemoryFiles::one("d/2.conf", "two\n").with("d/1.conf", "one\n");
    let loaded = load("d/*.conf", &files, &host(), &options());
    assert_eq!(unknown(&loaded), ["one", "two"]);
    assert_eq!(places(&loaded, Code::SeveralFiles), ["d/1.conf:1:1"]);
}

#[test]
fn a_backslash_at_the_end_belongs_to_the_word_before_it() {
    reads("foo1 \\\nfoo2\n", &["foo1\\", "foo2"]);
    reads("$X=foo1\n$X \\ # comment\n", &["$X\\"]);
    let loaded = read(
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 3\npriority 50 \\\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n",
    );
    assert_eq!(places(&loaded, Code::BadValue), ["keepalived.conf:4:10"], "{}", loaded.render_all());
    assert_eq!(loaded.test_status(), 5);
}

#[test]
fn line_ends_tabs_and_byte_order_marks_do_no_harm() {
    let plain = "vrrp_instance A {\n  interface eth0\n  virtual_router_id 3\n  virtual_ipaddress {\n    10.0.0.1\n  }\n}\n";
    let model = read(plain).model;
    assert_eq!(read(&plain.replace('\n', "\r\n")).model, model);
    assert_eq!(read(&plain.replace(' ', "\t")).model, model);
    let loaded = read(&format!("\u{feff}{plain}"));
    assert_eq!(loaded.model, model);
    assert_eq!(places(&loaded, Code::ByteOrderMark), ["keepalived.conf:1:1"]);
    assert_eq!(loaded.test_status(), 5, "keepalived takes the mark for part of a word");
}

#[test]
fn comments_in_any_encoding_are_passed_over() {
    // "路由" in GBK, and "né" in Latin-1.
    let text = b"global_defs { # \xc2\xb7\xd3\xc9\n ! n\xe9\n router_id a\n}\n";
    let loaded = load("f", &MemoryFiles::one("f", *text), &host(), &options());
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(loaded.model.globals.router_id.as_deref(), Some("a"));
}

#[test]
fn a_line_with_a_nul_byte_or_too_long_is_ignored_and_reported() {
    let long = "x".repeat(1024);
    let loaded = read(&format!("a\0b\n{long}\n# {long}\nc\n{}\n", "d".repeat(1023)));
    assert_eq!(places(&loaded, Code::NulByte), ["keepalived.conf:1:2"]);
    assert_eq!(places(&loaded, Code::LineTooLong), ["keepalived.conf:2:1", "keepalived.conf:3:1"]);
    assert_eq!(unknown(&loaded).len(), 2);
}

#[test]
fn a_quote_without_partner_is_reported_wherever_it_stands() {
    for (text, place) in [
        ("@other router_id \"a\n", "keepalived.conf:1:18"),
        ("$X=a\"b\n", "keepalived.conf:1:5"),
        ("$X= \\\na \\\nb \"c\n", "keepalived.conf:3:3"),
        ("$X=/\"\nglobal_defs {\nrouter_id \"$X\n}\n", "keepalived.conf:1:5"),
        ("include \"none\n", "keepalived.conf:1:9"),
    ] {
        let loaded = read(text);
        assert_eq!(places(&loaded, Code::UnterminatedQuote)[0], place, "{text}");
        assert_eq!(loaded.test_status(), 5, "{text}");
    }
    let loaded = read("global_defs {\nrouter_id \"a # b\n}\n");
    assert_eq!(places(&loaded, Code::UnterminatedQuote), ["keepalived.conf:2:11"], "once");
}
