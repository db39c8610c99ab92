//! `authentication` and `auth_hmac` of instances.

use std::collections::BTreeMap;
use std::time::Duration;

use vrrp::{AntiReplay, AuthHmac, Centiseconds, HmacKey, HmacMode, KeyId};

use super::Lowering;
use super::instance::Draft;
use crate::diagnostic::{Code, Diagnostic};
use crate::keyword::parse_integer;
use crate::resolve::Entry;
use crate::source::Span;

/// How an instance authenticates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthType {
    Pass,
    Ah,
}

/// What `auth_hmac` says.
#[derive(Default)]
pub struct HmacDraft {
    keys: BTreeMap<KeyId, HmacKey>,
    active: Option<(KeyId, Span)>,
    window: Option<Duration>,
    replay: AntiReplay,
    mode: HmacMode,
    span: Option<Span>,
}

impl Lowering<'_> {
    pub(super) fn authentication(&mut self, draft: &mut Draft, entry: &Entry<'_>) {
        for entry in entry.entries() {
            let span = entry.value_span();
            match (entry.name(), entry.text()) {
                ("auth_type", "PASS") => draft.auth_type = Some((AuthType::Pass, span)),
                ("auth_type", "AH") => draft.auth_type = Some((AuthType::Ah, span)),
                ("auth_type", other) => {
                    let message = format!("`auth_type` is `PASS` or `AH`, not `{other}`");
                    let mut diagnostic = Diagnostic::warning(Code::BadValue, span, message)
                        .label("adverts are not authenticated");
                    if let Some(near) = crate::suggest::nearest(other, ["PASS", "AH"]) {
                        diagnostic = diagnostic.hint(format!("did you mean `{near}`?"));
                    }
                    self.report(diagnostic);
                }
                ("auth_pass", text) => draft.auth_pass = self.password(text, span),
                _ => {}
            }
        }
    }

    /// The password as it goes into adverts; the bytes are those of the file.
    fn password(&mut self, text: &str, span: Span) -> Option<[u8; 8]> {
        let bytes = self.sources.bytes(text, span);
        if bytes.len() > 8 {
            let message = format!("`auth_pass` has {} bytes; adverts have room for 8", bytes.len());
            let diagnostic = Diagnostic::warning(Code::Adjusted, span, message)
                .label("only the first 8 bytes count")
                .hint("use a password of at most 8 bytes, the same on all routers");
            self.report(diagnostic);
        }
        let mut password = [0; 8];
        for (to, from) in password.iter_mut().zip(&bytes) {
            *to = *from;
        }
        (!bytes.is_empty()).then_some(password)
    }

    pub(super) fn hmac(&mut self, entry: &Entry<'_>) -> HmacDraft {
        let mut draft = HmacDraft { span: Some(entry.word.span), ..HmacDraft::default() };
        for entry in entry.entries() {
            let span = entry.value_span();
            match entry.name() {
                "key" => self.hmac_key(&mut draft, entry),
                "active_key" => draft.active = entry.integer().and_then(KeyId::new).map(|id| (id, span)),
                "time_window" => draft.window = entry.seconds(),
                "anti_replay" if entry.choice() == Some("monotonic") => draft.replay = AntiReplay::Monotonic,
                "anti_replay" => draft.replay = AntiReplay::Time,
                "mode" => {
                    draft.mode = match entry.choice() {
                        Some("permissive") => HmacMode::Permissive,
                        Some("receive-only") => HmacMode::ReceiveOnly,
                        _ => HmacMode::Enforce,
                    };
                }
                _ => {}
            }
        }
        draft
    }

    /// `key ID VALUE`: the value is the key itself, `hex:DIGITS`, or `file:PATH`.
    fn hmac_key(&mut self, draft: &mut HmacDraft, entry: &Entry<'_>) {
        let (Some(number), Some(value)) = (entry.args().first(), entry.args().get(1)) else { return };
        let id = parse_integer(&number.text).and_then(|id| u8::try_from(id).ok()).and_then(KeyId::new);
        let Some(id) = id else {
            let message = format!("the number of a key goes from 1 to 255, not `{}`", number.text);
            return self.report(Diagnostic::warning(Code::OutOfRange, number.span, message).label("ignored"));
        };
        let bad = |lowering: &mut Self, message: String| {
            let diagnostic =
                Diagnostic::warning(Code::BadValue, value.span, message).label("the key is ignored");
            lowering.report(diagnostic);
        };
        let bytes = if let Some(digits) = value.text.strip_prefix("hex:") {
            let Some(bytes) = hex(digits) else {
                return bad(self, "`hex:` needs pairs of hexadecimal digits".into());
            };
            bytes
        } else if let Some(path) = value.text.strip_prefix("file:") {
            match self.host.key_file(path) {
                Ok(file) => {
                    if file.open {
                        let message = format!("others than its owner can read the key file `{path}`");
                        let diagnostic = Diagnostic::warning(Code::UnusableFile, value.span, message)
                            .label("used all the same")
                            .hint("`chmod 600` it");
                        self.report(diagnostic);
                    }
                    let end = file.bytes.trim_ascii_end().len();
                    file.bytes.get(..end).unwrap_or_default().to_vec()
                }
                Err(why) => return bad(self, format!("the key file `{path}` cannot be used: {why}")),
            }
        } else {
            self.sources.bytes(&value.text, value.span)
        };
        let length = bytes.len();
        let Some(key) = HmacKey::new(bytes) else {
            return bad(self, format!("a key has 32 to 64 bytes; this has {length}"));
        };
        if draft.keys.contains_key(&id) {
            let message = format!("a second key {}", id.get());
            return self.report(Diagnostic::warning(Code::Duplicate, number.span, message).label("ignored"));
        }
        draft.keys.insert(id, key);
    }

    /// What an instance does with `auth_hmac`; without a key to sign with it does nothing.
    pub(super) fn settle_hmac(&mut self, draft: &mut Draft, interval: Centiseconds) -> Option<AuthHmac> {
        let hmac = draft.hmac.take()?;
        let usable = hmac.active.filter(|(id, _)| hmac.keys.contains_key(id));
        let Some((active_key, _)) = usable else {
            let span = hmac.active.map(|(_, span)| span).or(hmac.span)?;
            let message = match hmac.active {
                Some((id, _)) => format!("there is no key {}", id.get()),
                None => "`auth_hmac` without `active_key`".to_owned(),
            };
            let diagnostic = Diagnostic::warning(Code::MissingSetting, span, message)
                .label("adverts are not signed, and signatures are not looked at")
                .hint("write `key NUMBER ...` and `active_key NUMBER` in it");
            self.report(diagnostic);
            return None;
        };
        if let Some((_, span)) = draft.auth_type.take() {
            let diagnostic =
                Diagnostic::warning(Code::Conflict, span, "`authentication` does not go with `auth_hmac`")
                    .label("ignored");
            self.report(diagnostic);
        }
        Some(AuthHmac {
            keys: hmac.keys,
            active_key,
            mode: if draft.strict { HmacMode::Enforce } else { hmac.mode },
            time_window: hmac.window.unwrap_or_else(|| AuthHmac::default_window(interval)),
            anti_replay: hmac.replay,
        })
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}
