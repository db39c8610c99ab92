//! What is sent: keepalived's request, byte for byte but for the name of the product.

use std::net::SocketAddr;

use crate::spec::HttpVersion;

/// The request for a page. Without a `host` the address is named, and its port with it, also where that is the usual one.
pub(super) fn request(version: HttpVersion, path: &str, host: Option<&str>, target: SocketAddr) -> Vec<u8> {
    let (number, close) = match version {
        HttpVersion::V1_0 => ("1.0", ""),
        HttpVersion::V1_0Close => ("1.0", "Connection: close\r\n"),
        HttpVersion::V1_1 => ("1.1", "Connection: close\r\n"),
    };
    let host = host.map_or_else(|| named(target), str::to_owned);
    format!("GET {path} HTTP/{number}\r\nUser-Agent: stayd\r\n{close}Host: {host}\r\n\r\n").into_bytes()
}

/// The address without the scope of a link-local one, which means nothing to the server.
fn named(target: SocketAddr) -> String {
    match target {
        SocketAddr::V4(target) => target.to_string(),
        SocketAddr::V6(target) => format!("[{}]:{}", target.ip(), target.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(version: HttpVersion, path: &str, host: Option<&str>, target: &str) -> String {
        String::from_utf8(request(version, path, host, target.parse().unwrap())).unwrap()
    }

    #[test]
    fn the_protocol_decides_the_version_and_whether_the_connection_is_to_be_closed() {
        let rest = "User-Agent: stayd\r\n";
        for (version, expected) in [
            (HttpVersion::V1_0, format!("GET /a HTTP/1.0\r\n{rest}Host: h:99\r\n\r\n")),
            (
                HttpVersion::V1_0Close,
                format!("GET /a HTTP/1.0\r\n{rest}Connection: close\r\nHost: h:99\r\n\r\n"),
            ),
            (HttpVersion::V1_1, format!("GET /a HTTP/1.1\r\n{rest}Connection: close\r\nHost: h:99\r\n\r\n")),
        ] {
            assert_eq!(sent(version, "/a", Some("h:99"), "127.0.0.1:80"), expected);
        }
    }

    #[test]
    fn without_a_virtual_host_the_address_is_named_with_every_port_and_ipv6_in_brackets() {
        for (target, host) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:80", "[::1]:80"),
            ("[fe80::1%7]:443", "[fe80::1]:443"),
        ] {
            let request = sent(HttpVersion::V1_0, "/", None, target);
            assert!(request.contains(&format!("\r\nHost: {host}\r\n")), "{request}");
        }
    }
}
