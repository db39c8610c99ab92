"""Servers that never come to an end: a port, and what is said on it. Says "ready" when all are there, and how many MB each has
sent whenever that is asked for with a line on standard input."""

import socket
import ssl
import struct
import sys
import time

from serving import connections, datagrams, start

folder = sys.argv[1]
PIECE = 64 * 1024


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def fill(text):
    return text * (PIECE // len(text) + 1)


HEAD = b"HTTP/1.0 200 OK\r\n"
SETTINGS = frame(4, 0, 0, b"")
# Port: what comes first, and what comes again and again.
FLOODS = {
    8001: (HEAD, fill(b"X-Field: value\r\n")),
    8002: (HEAD + b"\r\n", fill(b"nothing of interest ")),
    8003: (HEAD + b"Content-Length: 5\r\n\r\n", fill(b"x")),
    8004: (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", fill(b"1\r\nx\r\n")),
    8005: (b"", fill(b"220-more\r\n")),
    8006: (b"220 ", fill(b"x")),
    8007: (b"", fill(b"\x08\0\0\0\0\0\0\xce")),
    8008: (b"\x01\0\0\0\0\x30\0", fill(b"\0")),
    8009: (SETTINGS, fill(frame(6, 0, 0, b"12345678"))),
    8010: (SETTINGS, fill(SETTINGS)),
    8011: (SETTINGS + frame(1, 0, 1, b"\x88"), fill(frame(9, 0, 1, b"\x88" * 8000))),
    8012: (SETTINGS + frame(1, 4, 1, b"\x88"), fill(frame(0, 0, 1, b"x" * 8000))),
    8013: (SETTINGS, fill(frame(0x7F, 0, 0, b"x" * 8000))),
    # The first word of a server, which can renegotiate (RFC 5746), and empty records.
    8014: (
        b"\x16\x03\x03\x00\x31\x02\0\0\x2d\x03\x03" + b"7" * 32 + b"\0\0\x2f\0\0\x05\xff\x01\0\x01\0",
        fill(b"\x16\x03\x03\0\0"),
    ),
    # A frame of two gigabytes, and heads that come before the one that counts.
    8015: (b"\x01\0\0\x7f\xff\xff\xff", fill(b"\0")),
    8016: (SETTINGS, fill(frame(1, 4, 1, b"\x08\x03100"))),
}
# Port: what each datagram is answered with, for longer than anybody waits.
DATAGRAMS = {8053: b"\0" * 512, 8054: b"wrong", 8055: b"\x01" * 60000}
OVER_TLS = {
    8443: (HEAD, fill(b"X-Field: value\r\n")),
    8444: (HEAD + b"\r\n", fill(b"nothing of interest ")),
}
sent = dict.fromkeys([*FLOODS, *OVER_TLS, *DATAGRAMS], 0)


def serve(port, first, again, context):
    def read(stream):
        try:
            while stream.recv(PIECE):
                pass
        except OSError:
            pass

    def talk(stream):
        if context:
            stream = context.wrap_socket(stream, server_side=True)
            stream.recv(PIECE)
        else:
            start(read, stream)
        stream.sendall(first)
        while True:
            stream.sendall(again)
            sent[port] += len(again)

    connections(socket.create_server(("127.0.0.1", port), backlog=50), talk)


def answer(port, text):
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("127.0.0.1", port))

    def flood(sender):
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                sent[port] += here.sendto(text, sender)
            except OSError:
                # Nobody is there any more.
                return

    datagrams(here, lambda _, sender: start(flood, sender))


secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
secure.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
for port, (first, again) in FLOODS.items():
    serve(port, first, again, None)
for port, (first, again) in OVER_TLS.items():
    serve(port, first, again, secure)
for port, text in DATAGRAMS.items():
    answer(port, text)
print("ready", flush=True)
while True:
    time.sleep(0.5)
    print("sent", *(f"{port}:{count >> 20}" for port, count in sent.items()), flush=True)
