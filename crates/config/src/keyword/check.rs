//! Health checks within `real_server`.

use super::{
    Alias, AliasKind, Block, Body, Header, Keyword, LONG_TIMER, LONG_TIMER_OR_ZERO, Missing, SWITCH, TIMER,
    Takes, UINT, Value, alias, kw, later, one, partly, wants,
};

const UP: &str = "the server counts as up for this check";

pub const CHECKERS: &[Keyword] = &[
    kw(
        "TCP_CHECK",
        Takes::Block(&TCP_CHECK),
        "The real server works if a TCP connection to it can be opened.",
    )
    .since("0.5.3"),
    kw(
        "HTTP_GET",
        Takes::Block(&HTTP_GET),
        "The real server works if it answers requests for pages, over HTTP, with the status and \
         content that are expected.",
    )
    .since("0.5.3"),
    kw(
        "SSL_GET",
        Takes::Block(&SSL_GET),
        "The real server works if it answers requests for pages, over TLS, with the status and \
         content that are expected. Its certificate is not verified, unless `tls_verify` says so.",
    )
    .since("0.5.3"),
    kw(
        "SMTP_CHECK",
        Takes::Block(&SMTP_CHECK),
        "The real server works if it greets as a mail server does and takes HELO and QUIT.",
    )
    .since("1.1.8"),
    kw(
        "DNS_CHECK",
        Takes::Block(&DNS_CHECK),
        "The real server works if it answers a question over UDP without an error; what it answers is \
         not looked at.",
    )
    .since("1.3.0"),
    kw("MISC_CHECK", Takes::Block(&MISC_CHECK), "The real server works if a command ends with status 0.")
        .since("0.5.3"),
    kw("PING_CHECK", Takes::Block(&PING_CHECK), "The real server works if it answers an ICMP echo.")
        .since("2.1.0"),
    kw(
        "UDP_CHECK",
        Takes::Block(&UDP_CHECK),
        "The real server works if a datagram is not refused within the timeout or, with \
         `require_reply`, is answered.",
    )
    .since("2.1.0"),
    kw(
        "AMQP_CHECK",
        Takes::Block(&AMQP_CHECK),
        "The real server works if a broker of AMQP 0-9-1 begins its handshake there and, with any of the lines within, \
         opens a virtual host: RabbitMQ that takes connections but does not serve is down. keepalived does not know this \
         check.",
    )
    .ours(),
    kw(
        "GRPC_CHECK",
        Takes::Block(&GRPC_CHECK),
        "The real server works if a gRPC server there says that it, or one of its services, is SERVING \
         (grpc.health.v1.Health/Check). keepalived does not know this check.",
    )
    .ours(),
    kw(
        "FILE_CHECK",
        Takes::Block(&FILE_CHECK),
        "The weight of the real server follows the number in a file.",
    )
    .since("2.1.0"),
    partly("BFD_CHECK", Takes::Block(&BFD_CHECK), UP, "The real server works while a BFD session is up.")
        .since("2.0.0"),
];

/// When and how often, for every kind but FILE_CHECK and BFD_CHECK.
const TIMES: &[Keyword] = &[
    kw(
        "retry",
        one(Value::int(0, UINT)),
        "So many failures of this check in a row are forgiven: the next one takes the real server out.",
    )
    .default("the real server's")
    .since("1.2.20"),
    kw(
        "delay_before_retry",
        one(LONG_TIMER_OR_ZERO),
        "Seconds from a forgiven failure of this check to its next run.",
    )
    .default("the real server's")
    .since("0.5.3"),
    kw(
        "warmup",
        one(LONG_TIMER_OR_ZERO),
        "The first run of this check comes at a random time within so many seconds, so that not all \
         start at once.",
    )
    .default("the real server's")
    .since("1.2.13"),
    kw("delay_loop", one(LONG_TIMER), "Seconds from one run of this check to the next.")
        .default("the real server's")
        .since("1.3.7"),
    kw("alpha", SWITCH, "Takes this check as failed until it first succeeds.")
        .default("the real server's")
        .since("1.3.7"),
    kw(
        "log_all_failures",
        SWITCH,
        "Logs every failure of this check, not only the first and the last of a row.",
    )
    .default("checker_log_all_failures")
    .since("2.0.11"),
];

/// Where to, for the kinds that connect.
const CONNECTION: &[Keyword] = &[
    kw("connect_ip", one(Value::Address), "Address to connect to, where that is not the real server's.")
        .default("the real server's")
        .since("1.1.8"),
    kw("connect_port", one(Value::int(1, 65535)), "Port to connect to, where that is not the real server's.")
        .default("the real server's")
        .since("0.5.8"),
    kw("bindto", one(Value::Address), "Source address of the check.").since("1.1.2"),
    kw("bind_port", one(Value::int(1, 65535)), "Source port of the check.").since("1.2.13"),
    kw(
        "bind_if",
        one(Value::Interface),
        "Interface that the check goes out on. A link-local IPv6 address cannot be checked without it.",
    )
    .since("1.3.7"),
    kw("connect_timeout", one(TIMER), "Seconds that the check may take to connect.")
        .default("the real server's")
        .since("0.5.3"),
    kw("fwmark", one(Value::int(0, UINT)), "Firewall mark of the packets of the check.")
        .default("0")
        .since("1.2.13"),
];

const NB_GET_RETRY: &[Alias] = &[alias("nb_get_retry", "retry", AliasKind::Slip("ignores the line here"))];

const fn checker(
    name: &'static str,
    lists: &'static [&'static [Keyword]],
    aliases: &'static [Alias],
) -> Block {
    Block { name, header: Header::Nothing, body: Body::Keywords(lists, aliases) }
}

static TCP_CHECK: Block = checker("TCP_CHECK", &[CONNECTION, TIMES], NB_GET_RETRY);
static HTTP_GET: Block = checker("HTTP_GET", &[CONNECTION, TIMES, HTTP], HTTP_ALIASES);
static SSL_GET: Block = checker("SSL_GET", &[CONNECTION, TIMES, HTTP], HTTP_ALIASES);
static SMTP_CHECK: Block = checker("SMTP_CHECK", &[CONNECTION, TIMES, SMTP], NB_GET_RETRY);
static DNS_CHECK: Block = checker("DNS_CHECK", &[CONNECTION, TIMES, DNS], NB_GET_RETRY);
static MISC_CHECK: Block = checker("MISC_CHECK", &[TIMES, MISC], NB_GET_RETRY);
static PING_CHECK: Block = checker("PING_CHECK", &[CONNECTION, TIMES], NB_GET_RETRY);
static UDP_CHECK: Block = checker("UDP_CHECK", &[CONNECTION, TIMES, UDP], NB_GET_RETRY);
static AMQP_CHECK: Block = checker("AMQP_CHECK", &[CONNECTION, TIMES, AMQP], &[]);
static GRPC_CHECK: Block = checker("GRPC_CHECK", &[CONNECTION, TIMES, GRPC], &[]);
static FILE_CHECK: Block = checker("FILE_CHECK", &[FILE], &[]);
static BFD_CHECK: Block = checker("BFD_CHECK", &[BFD], &[]);

const HTTP_ALIASES: &[Alias] = &[alias("nb_get_retry", "retry", AliasKind::Deprecated)];

const HTTP: &[Keyword] = &[
    kw(
        "url",
        Takes::Block(&URL),
        "A page to ask for. There has to be one; several are asked for in turn, and all have to be \
         right.",
    )
    .since("0.5.3"),
    kw(
        "virtualhost",
        Takes::One(Value::Text, Missing::Reported),
        "Name of the web server to ask for (the Host header), unless the page names another.",
    )
    .default("the real server's")
    .since("1.3.6"),
    kw(
        "http_protocol",
        wants(Value::choice(&["1.0", "1.0C", "1.0c", "1.1"])),
        "Version of HTTP. 1.0C and 1.1 ask the server to close the connection.",
    )
    .default("1.0")
    .since("2.0.17"),
    kw("enable_sni", SWITCH, "Names the web server in the TLS handshake, by its `virtualhost`.")
        .default("false")
        .since("1.4.3"),
    kw(
        "sni_name",
        Takes::Maybe(Value::Text),
        "Names this web server in the TLS handshake, where that is not `virtualhost`.",
    )
    .since("2.4.4"),
    kw(
        "fast_recovery",
        SWITCH,
        "Asks for the other pages at once when the page that failed works again. keepalived asks for one page in each \
         `delay_loop` otherwise; stayd always asks for all of them, so that this changes nothing.",
    )
    .default("false")
    .since("2.0.17"),
    kw(
        "tls_compliant",
        SWITCH,
        "Takes a TLS connection that the server ends without notice (close_notify) as a failure.",
    )
    .default("false")
    .since("2.2.8"),
    kw(
        "tls_verify",
        SWITCH,
        "SSL_GET: verifies the certificate of the server: its signature, its time and its name. keepalived never does.",
    )
    .default("false")
    .ours(),
    kw(
        "tls_ca",
        one(Value::Text),
        "SSL_GET: file with the authorities that `tls_verify` trusts, in PEM.",
    )
    .default("ca of SSL, or else the system's")
    .ours(),
    kw(
        "tls_name",
        one(Value::Text),
        "SSL_GET: name or address that `tls_verify` wants the certificate to be for.",
    )
    .default("sni_name, the page's virtualhost or the address")
    .ours(),
    kw(
        "tls_certificate",
        one(Value::Text),
        "SSL_GET: file with the certificate that this check shows, in PEM.",
    )
    .default("certificate of SSL")
    .ours(),
    kw(
        "tls_key",
        one(Value::Text),
        "SSL_GET: file with the key of `tls_certificate`, in PEM.",
    )
    .default("the file of tls_certificate")
    .ours(),
];

static URL: Block = Block { name: "url", header: Header::Nothing, body: Body::Keywords(&[PAGE], &[]) };

const PAGE: &[Keyword] = &[
    kw(
        "path",
        one(Value::Text),
        "Path of the page, with query if any. A page without path is not asked for.",
    )
    .since("0.5.3"),
    kw(
        "digest",
        one(Value::Text),
        "MD5 of the page's body in hexadecimal digits, as `genhash` prints it. Without it, and \
         without `regex`, any content is right.",
    )
    .since("0.5.3"),
    kw(
        "status_code",
        Takes::Words { syntax: "NUMBER[-NUMBER] ...", least: 1, missing: Missing::Silent },
        "Status codes, or ranges of them, from 100 to 999, that count as success.",
    )
    .default("200-299")
    .since("0.7.6"),
    kw(
        "virtualhost",
        Takes::One(Value::Text, Missing::Reported),
        "Name of the web server to ask for this page (the Host header).",
    )
    .default("the check's")
    .since("1.3.6"),
    kw(
        "regex",
        Takes::Words { syntax: "PATTERN", least: 1, missing: Missing::Silent },
        "A pattern (PCRE2) that the page has to match; in quotes if there is a space in it, and with each of its \
         backslashes doubled.",
    )
    .since("2.0.7"),
    kw("regex_no_match", Takes::Flag, "Turns `regex` around: the page must not match the pattern.")
        .since("2.0.7"),
    kw(
        "regex_options",
        Takes::Many(Value::choice(checker::RegexOption::NAMES), Missing::Silent),
        "Options of the pattern of `regex`, by their PCRE2 names in lower case.",
    )
    .since("2.0.7"),
    kw(
        "regex_min_offset",
        Takes::One(Value::int(0, UINT), Missing::Silent),
        "Byte of the page at which the search for `regex` starts.",
    )
    .since("2.0.7"),
    kw(
        "regex_max_offset",
        Takes::One(Value::int(0, UINT), Missing::Silent),
        "Byte of the page after which no match of `regex` may start.",
    )
    .since("2.0.7"),
    kw(
        "regex_stack",
        Takes::Words { syntax: "START MAX", least: 2, missing: Missing::Silent },
        "Memory for the search for `regex` in bytes: what it starts with, and what it may grow to. stayd's search needs \
         none of it and takes what it needs.",
    )
    .since("2.0.7"),
    kw(
        "tls_compliant",
        SWITCH,
        "Takes a TLS connection that the server ends without notice (close_notify) as a failure, for \
         this page.",
    )
    .since("2.2.8"),
];

const SMTP: &[Keyword] = &[
    kw(
        "helo_name",
        Takes::One(Value::Text, Missing::Reported),
        "Name by which the check introduces itself (HELO).",
    )
    .default("smtpchecker.keepalived.org")
    .since("1.1.8"),
    kw(
        "host",
        Takes::Block(&SMTP_HOST),
        "One more target, in the form of older releases: it is checked beside the one that the lines around say.",
    )
    .since("1.1.8"),
];

static SMTP_HOST: Block = checker("host", &[CONNECTION], &[]);

const DNS: &[Keyword] = &[
    kw(
        "type",
        one(Value::Choice { words: checker::DnsType::NAMES, exact: false }),
        "Type of the record that is asked for.",
    )
    .default("SOA")
    .since("1.3.0"),
    kw("name", one(Value::Text), "Name that the check asks the server for.")
        .default("the root")
        .since("1.3.0"),
];

const MISC: &[Keyword] = &[
    kw(
        "misc_path",
        Takes::Script(Missing::Silent),
        "The command, in double quotes if it has arguments. It is needed.",
    )
    .since("0.5.3"),
    kw(
        "misc_timeout",
        one(LONG_TIMER_OR_ZERO),
        "Seconds that the command may take before it is ended and counts as failed.",
    )
    .default("delay_loop")
    .since("1.1.0"),
    kw(
        "misc_dynamic",
        Takes::Flag,
        "Takes an exit status from 2 to 255 as success, with the weight of that status less 2; 0 \
         leaves the weight as it is.",
    )
    .since("1.1.8"),
    kw(
        "user",
        Takes::Words { syntax: "USER [GROUP]", least: 1, missing: Missing::Reported },
        "User, and group, that the command runs as.",
    )
    .default("script_user")
    .since("1.3.0"),
];

const UDP: &[Keyword] = &[
    kw(
        "payload",
        Takes::Words { syntax: "HEXADECIMAL DIGITS", least: 1, missing: Missing::Reported },
        "Content of the datagram in hexadecimal digits, with or without spaces; 32 bytes of filler \
         unless given.",
    )
    .since("2.2.0"),
    kw(
        "require_reply",
        Takes::Words { syntax: "[HEXADECIMAL DIGITS, x for any]", least: 0, missing: Missing::Silent },
        "Wants an answer. With hexadecimal digits it has to be this one; `x` stands for any digit.",
    )
    .since("2.1.0"),
    kw(
        "min_reply_length",
        one(Value::int(0, 65535)),
        "Least length in bytes of an answer to `require_reply` with content.",
    )
    .default("0")
    .since("2.2.0"),
    kw(
        "max_reply_length",
        one(Value::int(0, 65535)),
        "Greatest length in bytes of an answer to `require_reply` with content.",
    )
    .default("255")
    .since("2.2.0"),
];

const AMQP: &[Keyword] = &[
    kw("amqp_user", wants(Value::Short(255)), "User that the check logs in as (mechanism PLAIN).")
        .default("guest, if the password or the virtual host is given")
        .ours(),
    kw("amqp_password", wants(Value::Short(255)), "Password that the check logs in with.")
        .default("guest, if the user or the virtual host is given")
        .ours(),
    kw("amqp_vhost", wants(Value::Short(255)), "Virtual host that the check opens.")
        .default("/, if the user or the password is given")
        .ours(),
];

const GRPC: &[Keyword] = &[
    kw(
        "grpc_service",
        wants(Value::Short(255)),
        "Name of the service that has to be SERVING, such as `shop.v1.Cart`.",
    )
    .default("the server as a whole")
    .ours(),
    kw(
        "grpc_authority",
        wants(Value::Short(255)),
        "Name of the server in the request (:authority), and with `tls` the one sent in the handshake.",
    )
    .default("address and port")
    .ours(),
    kw("tls", SWITCH, "Asks over TLS, with `h2` as its protocol (ALPN).").default("false").ours(),
    kw(
        "tls_verify",
        SWITCH,
        "With `tls`: verifies the certificate of the server: its signature, its time and its name.",
    )
    .default("false")
    .ours(),
    kw("tls_ca", one(Value::Text), "With `tls`: file with the authorities that `tls_verify` trusts, in PEM.")
        .default("ca of SSL, or else the system's")
        .ours(),
    kw(
        "tls_name",
        one(Value::Text),
        "With `tls`: name or address that `tls_verify` wants the certificate to be for.",
    )
    .default("grpc_authority or the address")
    .ours(),
    kw(
        "tls_certificate",
        one(Value::Text),
        "With `tls`: file with the certificate that this check shows, in PEM.",
    )
    .default("certificate of SSL")
    .ours(),
    kw("tls_key", one(Value::Text), "With `tls`: file with the key of `tls_certificate`, in PEM.")
        .default("the file of tls_certificate")
        .ours(),
];

const FILE: &[Keyword] = &[
    kw(
        "track_file",
        one(Value::Text),
        "Name of the `track_file` block for the file; it has to stand before. It is needed.",
    )
    .since("2.1.0"),
    kw(
        "weight",
        Takes::Words { syntax: "NUMBER [reverse|noreverse]", least: 1, missing: Missing::Reported },
        "The number in the file times this is added to the server's weight; with 0 any number but 0 \
         takes the server out.",
    )
    .default("the track_file's")
    .since("2.1.0"),
];

const BFD: &[Keyword] = &[
    later("name", wants(Value::Text), "Name of the `bfd_instance` block of the session. It is needed.")
        .since("2.0.0")
        .once()
        .once()
        .once(),
    later("alpha", SWITCH, "Takes the check as failed until the session is up.").since("2.0.0"),
];
