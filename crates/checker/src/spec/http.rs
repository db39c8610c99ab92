//! `HTTP_GET` and `SSL_GET`.
//!
//! **The pages are asked for in order, one connection each**; the check succeeds if all of them are as expected.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Connection, TlsCheckSpec};

/// `HTTP_GET`, or `SSL_GET`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct HttpProbe {
    /// Where to.
    pub connection: Connection,
    /// Over TLS: `SSL_GET`.
    pub tls: bool,
    /// How; over TLS only.
    pub tls_check: TlsCheckSpec,
    /// `http_protocol`, default 1.0.
    pub version: HttpVersion,
    /// `enable_sni` and `sni_name`; over TLS only.
    pub sni: Sni,
    /// `fast_recovery`: once the page that failed works again, the others are asked for at once. Default: no. Each run of
    /// ours asks for all pages, so that there is nothing left to be faster.
    pub fast_recovery: bool,
    /// `virtualhost` of the check.
    pub host: Option<String>,
    /// `virtualhost` of the real server, else of the virtual server.
    pub outer_host: Option<String>,
    /// The pages, in the order of the file; at least one.
    pub urls: Vec<UrlSpec>,
}

impl HttpProbe {
    /// The host that a page is asked of; none: the address.
    pub fn host<'a>(&'a self, url: &'a UrlSpec) -> Option<&'a str> {
        url.host.as_ref().or(self.host.as_ref()).or(self.outer_host.as_ref()).map(String::as_str)
    }
}

/// `http_protocol`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum HttpVersion {
    /// `1.0`: HTTP/1.0.
    #[default]
    V1_0,
    /// `1.0C`: HTTP/1.0 with `Connection: close`.
    V1_0Close,
    /// `1.1`: HTTP/1.1 with `Connection: close`.
    V1_1,
}

/// What the TLS handshake says of the name of the server (RFC 6066 section 3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Sni {
    /// Nothing.
    #[default]
    Omitted,
    /// The page's `virtualhost`, if it has one.
    Host,
    /// This name.
    Name(String),
}

/// One `url`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct UrlSpec {
    /// `path`; not empty.
    pub path: String,
    /// `virtualhost` of the page; none: see [`HttpProbe::host`].
    pub host: Option<String>,
    /// `status_code`: ranges of codes that count as success, 100 to 999, ascending and apart (default 200 to 299).
    pub status: Vec<(u16, u16)>,
    /// `digest`: MD5 that the body has to have.
    pub digest: Option<[u8; 16]>,
    /// `regex` and its options.
    pub regex: Option<RegexSpec>,
    /// `tls_compliant` of the page, else of the check: a TLS connection that ends without notice is a failure.
    pub tls_compliant: bool,
}

/// `regex` of a `url`: a pattern of PCRE2.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RegexSpec {
    /// The pattern, after keepalived's escapes: `\\d` in the file is `\d` here.
    pub pattern: String,
    /// `regex_no_match`: the body must not match. Default: it must.
    pub no_match: bool,
    /// `regex_options`.
    pub options: BTreeSet<RegexOption>,
    /// `regex_min_offset`: byte of the body from which on a match may start (default 0).
    pub min_offset: u32,
    /// `regex_max_offset`: byte of the body up to which a match may start; none: its end.
    pub max_offset: Option<u32>,
    /// `regex_stack`: bytes of the matcher's stack, at first and at most. Ours uses none.
    pub stack: Option<(u32, u32)>,
}

macro_rules! regex_options {
    ($($variant:ident $name:literal,)*) => {
        /// An option of PCRE2's compiler or matcher, as pcre2api(3) describes them.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum RegexOption {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl RegexOption {
            /// The names that `regex_options` takes, in the order of the variants.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The option of a name.
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

regex_options! {
    AllowEmptyClass "allow_empty_class",
    AltBsux "alt_bsux",
    AutoCallout "auto_callout",
    Caseless "caseless",
    DollarEndonly "dollar_endonly",
    Dotall "dotall",
    Dupnames "dupnames",
    Extended "extended",
    Firstline "firstline",
    MatchUnsetBackref "match_unset_backref",
    Multiline "multiline",
    NeverUcp "never_ucp",
    NeverUtf "never_utf",
    NoAutoCapture "no_auto_capture",
    NoAutoPossess "no_auto_possess",
    NoDotstarAnchor "no_dotstar_anchor",
    NoStartOptimize "no_start_optimize",
    Ucp "ucp",
    Ungreedy "ungreedy",
    Utf "utf",
    NeverBackslashC "never_backslash_c",
    AltCircumflex "alt_circumflex",
    AltVerbnames "alt_verbnames",
    UseOffsetLimit "use_offset_limit",
}
