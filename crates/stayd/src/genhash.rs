//! `genhash`: asks for a page as `HTTP_GET` and `SSL_GET` do, and prints the MD5 of its body for `digest`.
//!
//! As keepalived's program of that name (2.2.7, run beside it): what goes wrong with the options is told on standard error
//! with status 1; what goes wrong with the server is one line on standard output with status 0.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use checker::probe::{Resources, http};
use checker::{
    Connection, Failure, HttpProbe, HttpVersion, Outcome, PageFault, Sni, Source, TlsCheckSpec, UrlSpec,
};
use clap::{ArgAction, Parser};

use crate::exit::Exit;
use crate::openssl;

/// Prints the MD5 of a page for `digest`
#[derive(Parser, Clone, Debug)]
#[command(name = "genhash", disable_help_flag = true, args_override_self = true, infer_long_args = true)]
pub struct Arguments {
    /// Use TLS
    #[arg(short = 'S', long)]
    use_ssl: bool,
    /// Name the virtual host in the TLS handshake
    #[arg(short = 'I', long)]
    use_sni: bool,
    /// Address of the server
    #[arg(short = 's', long, value_name = "ADDRESS", required = true)]
    server: String,
    /// Port of the server
    #[arg(short = 'p', long, value_name = "PORT", required = true)]
    port: String,
    /// Path of the page
    #[arg(short = 'u', long, value_name = "PATH", required = true)]
    url: String,
    /// Name of the web server to ask for
    #[arg(short = 'V', long, value_name = "NAME")]
    use_virtualhost: Option<String>,
    /// Show the answer too
    #[arg(short = 'v', long)]
    verbose: bool,
    /// Firewall mark of the packets
    #[arg(short = 'm', long, value_name = "MARK", default_value = "0")]
    fwmark: String,
    /// Version of HTTP: 1.0, 1.0c (with "Connection: close") or 1.1
    #[arg(short = 'P', long, value_name = "VERSION", default_value = "1.0")]
    protocol: String,
    /// Seconds to wait for the connection and for each part of the answer
    #[arg(short = 't', long, value_name = "SECONDS", default_value = "5")]
    timeout: String,
    /// Print help
    #[arg(short = 'h', long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// The arguments of the mode, if this is how the program is called: as `genhash`, or with keepalived's `-T` first.
pub fn called(words: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut words: Vec<_> = words.collect();
    let by_name = Path::new(words.first()?).file_name() == Some(OsStr::new("genhash"));
    if !by_name {
        words.get(1).filter(|first| *first == "-T" || *first == "--genhash")?;
        words.remove(1);
    }
    Some(words)
}

/// Called by name: the arguments are its own.
pub fn run_by_name(arguments: &[OsString]) -> Exit {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => run(&arguments),
        Err(error) => {
            // The options too, as there: standard output is for the digest.
            eprint!("{}", error.render());
            Exit::Fatal
        }
    }
}

/// Asks, and prints what came.
pub fn run(arguments: &Arguments) -> Exit {
    let probe = match probe(arguments) {
        Ok(probe) => probe,
        Err(message) => {
            eprintln!("genhash: {message} (genhash -h tells the options)");
            return Exit::Fatal;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("genhash: cannot start: {error}");
            return Exit::Fatal;
        }
    };
    let mut received = Vec::new();
    let mut see = |bytes: &[u8]| {
        if arguments.verbose {
            received.extend_from_slice(bytes);
        }
    };
    let resources = Resources::new(None, openssl::load);
    let began = Instant::now();
    let fetched = runtime.block_on(async {
        match probe.urls.first() {
            Some(url) => http::fetch(&probe, url, &resources, &mut see).await,
            None => Err(Outcome::Success),
        }
    });
    let took = began.elapsed();
    let text = match fetched {
        Err(outcome) => {
            let (text, reason) = failed(outcome);
            eprintln!("genhash: {reason}");
            text.to_owned()
        }
        Ok(page) if arguments.verbose => {
            let head = page.head().len();
            let (head, body) = received.split_at_checked(head).unwrap_or((&received, &[]));
            verbose(head, body.get(..page.counted(body.len())).unwrap_or(body), page.digest())
        }
        Ok(page) => format!("{}\n", hexadecimal(&page.digest())),
    };
    let time = format!("\nGlobal response time for [{}] = {} usecs\n", arguments.url, took.as_micros());
    let text = text + if arguments.verbose { &time } else { "" };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Normal,
        Err(_error) => Exit::Fatal,
    }
}

fn probe(arguments: &Arguments) -> Result<HttpProbe, String> {
    let Arguments { server, port, fwmark, protocol, timeout, .. } = arguments;
    let address: IpAddr = server.parse().map_err(|_error| format!("server should be an IP, not {server}"))?;
    let port =
        port.parse().ok().filter(|port| *port != 0).ok_or_else(|| format!("invalid port number '{port}'"))?;
    let fwmark = fwmark.parse().map_err(|_error| format!("invalid fwmark '{fwmark}'"))?;
    let seconds = timeout.parse::<u32>().ok().filter(|seconds| *seconds != 0);
    let seconds = seconds.ok_or_else(|| format!("invalid timeout '{timeout}'"))?;
    let version = match protocol.as_str() {
        "1.0" => HttpVersion::V1_0,
        "1.0c" | "1.0C" => HttpVersion::V1_0Close,
        "1.1" => HttpVersion::V1_1,
        other => return Err(format!("invalid HTTP protocol version '{other}'")),
    };
    Ok(HttpProbe {
        connection: Connection::new(
            SocketAddr::new(address, port),
            Duration::from_secs(seconds.into()).into(),
        )
        .from(Source { fwmark, ..Source::default() }),
        tls: arguments.use_ssl,
        tls_check: TlsCheckSpec::default(),
        version,
        sni: if arguments.use_sni { Sni::Host } else { Sni::Omitted },
        fast_recovery: false,
        host: None,
        outer_host: None,
        urls: vec![UrlSpec {
            path: arguments.url.clone(),
            host: arguments.use_virtualhost.clone(),
            status: Vec::new(),
            digest: None,
            regex: None,
            tls_compliant: false,
        }],
    })
}

/// What keepalived's program says, and why.
fn failed(outcome: Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Failure(Failure::Page { fault: PageFault::Tls(fault), .. }) => {
            ("SSL handshake/communication error connecting to\n", fault.to_string())
        }
        Outcome::Failure(Failure::Page { fault, .. }) => ("", fault.to_string()),
        Outcome::Failure(failure) => ("Connection failed\n", failure.to_string()),
        Outcome::Unknown(error) => ("Connection failed\n", error.to_string()),
        Outcome::Success | Outcome::Weight(_) => ("", String::new()),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn verbose(head: &[u8], body: &[u8], digest: [u8; 16]) -> String {
    let title = |text: &str| format!("-----------------------[{text:^26}]-----------------------\n");
    let mut out = title("    HTTP Header Buffer    ") + &dump(head);
    out += &title(" HTTP Header Ascii Buffer ");
    out += &String::from_utf8_lossy(head);
    out += "\n";
    if !body.is_empty() {
        out += &title("        HTML Buffer        ");
        out += &dump(body);
    }
    out += "\n";
    out += &title("    HTML hash resulting    ");
    out += &dump(&digest);
    out += &title(" HTML hash final resulting ");
    out + &hexadecimal(&digest) + "\n"
}

/// Sixteen bytes a line: their place, their values, and those that can be printed.
fn dump(bytes: &[u8]) -> String {
    let line = |(index, bytes): (usize, &[u8])| {
        let values =
            |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x} "));
        let (first, second) = bytes.split_at(bytes.len().min(8));
        let shown: String = bytes
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
            .collect();
        format!("{:04}  {:<24}- {:<24}  {shown:<16}\n", index * 16, values(first), values(second))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}
