//! The problems of a configuration as SARIF 2.1.0 (OASIS), which code review tools show at their lines.

use std::fmt::Write as _;

use config::{Code, Diagnostic, Loaded, Severity, Span};
use serde_json::{Value, json};

/// Of the version of the format.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The log, indented.
pub fn log(loaded: &Loaded) -> String {
    let rules: Vec<_> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| result(loaded, diagnostic)).collect();
    let driver = json!({
        "name": "stayd",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "columnKind": "unicodeCodePoints",
            "invocations": [{ "executionSuccessful": true, "exitCode": loaded.test_status() }],
            "results": results,
        }],
    });
    format!("{log:#}")
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.meaning() },
        "help": { "text": code.advice() },
    })
}

fn result(loaded: &Loaded, diagnostic: &Diagnostic) -> Value {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let more = [diagnostic.label.as_str(), diagnostic.hint.as_deref().unwrap_or_default()];
    let text = more
        .into_iter()
        .filter(|text| !text.is_empty())
        .fold(diagnostic.message.clone(), |all, text| all + "; " + text);
    let related: Vec<_> = diagnostic
        .related
        .iter()
        .map(|(span, label)| {
            let mut location = location(loaded, *span);
            location["message"] = json!({ "text": label });
            location
        })
        .collect();
    let mut result = json!({
        "ruleId": diagnostic.code.as_str(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == diagnostic.code),
        "level": level,
        "message": { "text": text },
        "locations": [location(loaded, diagnostic.span)],
    });
    if !related.is_empty() {
        result["relatedLocations"] = Value::Array(related);
    }
    result
}

fn location(loaded: &Loaded, span: Span) -> Value {
    let (start, end) = (loaded.sources.location(span), loaded.sources.end_location(span));
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(loaded.sources.name(span)) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    })
}

/// A file name as a URI reference (RFC 3986): relative names stay so, for the tool to resolve.
fn uri(name: &str) -> String {
    let mut uri = if name.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string succeeds.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn a_file_name_becomes_a_uri() {
        assert_eq!(uri("/etc/keepalived/keepalived.conf"), "file:///etc/keepalived/keepalived.conf");
        assert_eq!(uri("conf.d/a b#1.conf"), "conf.d/a%20b%231.conf");
        assert_eq!(uri("路"), "%E8%B7%AF");
    }
}
