//! `SSL { }`: with what `SSL_GET` presents itself.

use serde::{Deserialize, Serialize};

/// Client certificate and authorities of all `SSL_GET`. The certificates of servers are not verified, as in keepalived.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TlsSpec {
    /// `password` of the key.
    pub password: Option<String>,
    /// `ca`: file with certificates of authorities.
    pub ca: Option<String>,
    /// `certificate`: file with our certificate.
    pub certificate: Option<String>,
    /// `key`: file with its key.
    pub key: Option<String>,
}

/// How the checks of one `SSL_GET` use TLS: stayd's own keywords.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct TlsCheckSpec {
    /// `tls_verify`: the certificate of the server is verified. Default: no, as in keepalived.
    pub verify: bool,
    /// `tls_ca`: file with the authorities to trust; none: `ca` of `SSL`, or else the system's.
    pub ca: Option<String>,
    /// `tls_name`: the name or address that the certificate has to be for; none: the name sent (`sni_name`), the page's
    /// `virtualhost`, or the address connected to.
    pub name: Option<String>,
    /// `tls_certificate`: file with a certificate of our own; none: the one of `SSL`.
    pub certificate: Option<String>,
    /// `tls_key`: file with its key; none: it stands in the same file.
    pub key: Option<String>,
}
