//! `HTTP_GET` and `SSL_GET`.

use std::collections::BTreeSet;

use checker::{
    CheckSpec, HttpProbe, HttpVersion, ProbeSpec, RegexOption, RegexSpec, Sni, TlsCheckSpec, UrlSpec,
};

use super::super::Lowering;
use super::super::command::split_escaped;
use super::super::real_server::CheckContext;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::resolve::Entry;

impl Lowering<'_> {
    pub(super) fn http(&mut self, entry: &Entry<'_>, context: &CheckContext<'_>) -> Option<CheckSpec> {
        let (mut version, mut fast_recovery) = (HttpVersion::V1_0, false);
        let (mut host, mut tls_compliant) = (None, false);
        let (mut sni, mut sni_name) = (false, None);
        let mut tls_check = TlsCheckSpec::default();
        for entry in entry.entries() {
            match entry.name() {
                "virtualhost" => host = entry.choice().map(str::to_owned),
                "http_protocol" => version = http_version(entry.text()),
                "enable_sni" => sni = entry.switch(),
                "sni_name" => {
                    sni = true;
                    sni_name = entry.choice().map(str::to_owned);
                }
                "fast_recovery" => fast_recovery = entry.switch(),
                "tls_compliant" => tls_compliant = entry.switch(),
                "tls_verify" => tls_check.verify = entry.switch(),
                "tls_ca" => tls_check.ca = entry.choice().map(str::to_owned),
                "tls_name" => tls_check.name = entry.choice().map(str::to_owned),
                "tls_certificate" => tls_check.certificate = entry.choice().map(str::to_owned),
                "tls_key" => tls_check.key = entry.choice().map(str::to_owned),
                _ => {}
            }
        }
        let pages = entry.entries().iter().filter(|entry| entry.name() == "url");
        let urls: Vec<_> = pages.filter_map(|entry| self.url(entry, tls_compliant)).collect();
        if urls.is_empty() {
            let message = format!("`{}` without any usable `url`", entry.name());
            let diagnostic = Diagnostic::warning(Code::MissingSetting, entry.word.span, message)
                .label("the check is ignored, and the server counts as up")
                .hint("write `url { path /PATH }` in it");
            self.report(diagnostic);
            return None;
        }
        let sni = match sni_name {
            _ if !sni => Sni::Omitted,
            None => Sni::Host,
            Some(name) => Sni::Name(name),
        };
        let tls = entry.name() == "SSL_GET";
        let outer_host = context.host.map(str::to_owned);
        self.connecting(entry, context, super::HTTP, |connection| {
            let probe =
                HttpProbe { connection, tls, tls_check, version, sni, fast_recovery, host, outer_host, urls };
            ProbeSpec::Http(probe.into())
        })
    }

    /// `tls_compliant`: of its check.
    fn url(&mut self, entry: &Entry<'_>, tls_compliant: bool) -> Option<UrlSpec> {
        let mut url = UrlSpec {
            path: String::new(),
            host: None,
            status: Vec::new(),
            digest: None,
            regex: self.regex(entry),
            tls_compliant,
        };
        for entry in entry.entries() {
            match entry.name() {
                "path" => entry.text().clone_into(&mut url.path),
                "digest" => self.digest(entry, &mut url.digest),
                "status_code" => self.status_codes(entry, &mut url.status),
                "virtualhost" => url.host = entry.choice().map(str::to_owned),
                "tls_compliant" => url.tls_compliant = entry.switch(),
                _ => {}
            }
        }
        if url.path.is_empty() {
            let diagnostic =
                Diagnostic::warning(Code::MissingSetting, entry.word.span, "a `url` without `path`")
                    .label("ignored")
                    .hint("write `path /PATH` in it");
            self.report(diagnostic);
            return None;
        }
        url.status = if url.status.is_empty() { vec![(200, 299)] } else { apart(url.status) };
        Some(url)
    }

    fn digest(&mut self, entry: &Entry<'_>, digest: &mut Option<[u8; 16]>) {
        let text = entry.text();
        let Some(bytes) = md5(text) else {
            let message = format!("`digest` takes 32 hexadecimal digits, not `{text}`");
            let diagnostic = Diagnostic::warning(Code::BadValue, entry.value_span(), message)
                .label("ignored: the content of the page is not compared")
                .hint("`genhash` prints the digest of a page");
            return self.report(diagnostic);
        };
        if digest.is_some() {
            let message = "a second `digest` of the same page";
            let diagnostic = Diagnostic::warning(Code::Duplicate, entry.value_span(), message);
            let diagnostic = diagnostic.label("ignored").hint("a page has one digest");
            return self.report(diagnostic.first(entry.first));
        }
        *digest = Some(bytes);
    }

    fn status_codes(&mut self, entry: &Entry<'_>, status: &mut Vec<(u16, u16)>) {
        let code = |text: &str| text.parse::<u16>().ok().filter(|code| (100..=999).contains(code));
        for word in entry.args() {
            let (first, last) = word.text.split_once('-').unwrap_or((&word.text, &word.text));
            if let Some(range) = code(first).zip(code(last)).filter(|(first, last)| first <= last) {
                status.push(range);
            } else {
                let message = format!("`status_code` takes numbers from 100 to 999, not `{}`", word.text);
                self.report(Diagnostic::warning(Code::BadValue, word.span, message).label("ignored"));
            }
        }
    }

    /// The pattern of a page, with the options that stand around it.
    fn regex(&mut self, url: &Entry<'_>) -> Option<RegexSpec> {
        let mut regex = RegexSpec {
            pattern: String::new(),
            no_match: false,
            options: BTreeSet::new(),
            min_offset: 0,
            max_offset: None,
            stack: None,
        };
        let (mut given, mut option) = (false, None);
        for entry in url.entries() {
            match entry.name() {
                "regex" => {
                    if let Some(pattern) = self.pattern(entry) {
                        (regex.pattern, given) = (pattern, true);
                    }
                    continue;
                }
                "regex_no_match" => regex.no_match = true,
                "regex_options" => {
                    regex
                        .options
                        .extend(entry.args().iter().filter_map(|word| RegexOption::of_name(&word.text)));
                }
                "regex_min_offset" => regex.min_offset = entry.integer().unwrap_or(0),
                "regex_max_offset" => regex.max_offset = entry.integer(),
                "regex_stack" => regex.stack = self.regex_stack(entry).or(regex.stack),
                _ => continue,
            }
            option.get_or_insert(entry);
        }
        if let (false, Some(entry)) = (given, option) {
            let message = format!("`{}` without a usable `regex`", entry.name());
            let diagnostic = Diagnostic::quiet(Code::MissingSetting, entry.word.span, message);
            self.report(diagnostic.label("ignored").hint("write `regex PATTERN` in the same `url`"));
        }
        given.then_some(regex)
    }

    /// keepalived drops a pattern that words follow, in silence.
    fn pattern(&mut self, entry: &Entry<'_>) -> Option<String> {
        let text = entry.node.text().get(entry.word.text.len()..).unwrap_or_default();
        if let Ok([pattern]) = <[String; 1]>::try_from(split_escaped(text)) {
            return Some(pattern);
        }
        let diagnostic = Diagnostic::quiet(Code::ExtraWords, entry.span(), "a `regex` is one word")
            .label("the page is not compared with it")
            .hint("put the pattern in double quotes if there is a space in it");
        self.report(diagnostic);
        None
    }

    fn regex_stack(&mut self, entry: &Entry<'_>) -> Option<(u32, u32)> {
        let number = |index: usize| {
            let word = entry.args().get(index)?;
            parse_integer(&word.text).and_then(|number| u32::try_from(number).ok())
        };
        let stack = number(0).zip(number(1));
        if stack.is_none() {
            let message = "`regex_stack` takes two numbers of bytes";
            self.report(Diagnostic::quiet(Code::BadValue, entry.value_span(), message).label("ignored"));
        }
        stack
    }
}

fn http_version(word: &str) -> HttpVersion {
    match word {
        "1.1" => HttpVersion::V1_1,
        "1.0C" | "1.0c" => HttpVersion::V1_0Close,
        _ => HttpVersion::V1_0,
    }
}

fn md5(text: &str) -> Option<[u8; 16]> {
    let mut digest = [0; 16];
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..32).step_by(2)) {
        *byte = text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())?;
    }
    Some(digest)
}

/// The same codes in ascending ranges that do not touch.
fn apart(mut ranges: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    ranges.sort_unstable();
    let mut apart: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match apart.last_mut() {
            Some(before) if first <= before.1 + 1 => before.1 = before.1.max(last),
            _ => apart.push((first, last)),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_status_codes_are_ascending_and_apart() {
        assert_eq!(apart(vec![(404, 404), (200, 300), (250, 400)]), [(200, 400), (404, 404)]);
        assert_eq!(apart(vec![(200, 200), (201, 201), (203, 203)]), [(200, 201), (203, 203)]);
    }
}
