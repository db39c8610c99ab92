"""Servers of every behaviour: arguments are pairs of a behaviour and an address. Says "ready" when all are there."""

import socket
import struct
import sys
import time

from serving import connections, datagrams


def line(stream):
    text = b""
    while not text.endswith(b"\n"):
        more = stream.recv(100)
        if not more:
            raise ConnectionError
        text += more


def smtp(greeting=b"220 hello\r\n", helo=b"250 ok\r\n", bye=b"221 bye\r\n", pause=0):
    def talk(stream):
        for answer in greeting, helo, bye:
            time.sleep(pause)
            stream.sendall(answer)
            line(stream)

    return talk


def drip(stream):
    while True:
        stream.sendall(b"2")
        time.sleep(0.3)


def flood(stream):
    while True:
        stream.sendall(b"220-more\r\n")


def reset(stream):
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half(stream):
    stream.sendall(b"220 hello\r\n")
    line(stream)
    stream.sendall(b"250 ok\r\n")
    stream.shutdown(socket.SHUT_WR)
    time.sleep(60)


TCP = {
    "smtp": smtp(),
    "smtp-bare-ends": smtp(b"220 a\n", b"250 b\n", b"221 c\n"),
    "smtp-several-lines": smtp(b"220-a\r\n220 b\r\n", b"250-a\r\n250 b\r\n"),
    "smtp-bare-code": smtp(b"220\r\n"),
    "smtp-421": smtp(b"421 no\r\n"),
    "smtp-helo-500": smtp(helo=b"500 no\r\n"),
    "smtp-bye-500": smtp(bye=b"500 no\r\n"),
    "smtp-slow": smtp(pause=1.2),
    "smtp-long-line": smtp(b"220 " + b"a" * 2000 + b"\r\n"),
    "smtp-letters": smtp(b"hello\r\n"),
    "tcp-silent": lambda stream: time.sleep(60),
    "tcp-closes": lambda stream: None,
    "tcp-resets": reset,
    "tcp-drips": drip,
    "tcp-floods": flood,
    "smtp-half-closes": half,
}


def dns(flags=0x8180, wrong_id=False, then=None):
    def answer(send, query, other):
        identity = struct.unpack(">H", query[:2])[0] ^ wrong_id
        send(struct.pack(">HH", identity, flags) + query[4:])
        if then:
            then(send, query, other)

    return answer


def dns_with(answers, more):
    """An answer of the records, which say that they are so many."""
    return lambda send, query, other: send(query[:2] + b"\x81\x80" + query[4:6] + answers + b"\0\0\0\0" + more(query))


def often(answer):
    def again(send, query, other):
        for _ in range(200):
            answer(send, query, other)

    return again


# A name that says that it goes on where it is.
LOOP = b"\xc0\x11\0\x06\0\x01\0\0\0\x01\0\x02\xc0\x11"
UDP = {
    "dns-other-question": dns_with(b"\0\0", lambda query: b"\x05other\x04test\0\0\x01\0\x01"),
    "dns-no-question": lambda send, query, other: send(query[:2] + b"\x81\x80" + b"\0" * 8),
    "dns-loop": dns_with(b"\0\x01", lambda query: query[12:] + LOOP),
    "dns-huge": dns_with(b"\0\x01", lambda query: query[12:] + b"\xff" * 60000),
    "dns-half-a-header": lambda send, query, other: send(query[:2] + b"\x81\x80\0\x01"),
    "dns-refused": dns(0x8185),
    "dns-no-such-code": dns(0x818C),
    "dns-again-and-again": often(dns()),
    "dns-wrong-id-again-and-again": often(dns(wrong_id=True)),
    "udp-empty": lambda send, query, other: send(b""),
    "udp-again-and-again": often(lambda send, query, other: send(b"pong")),
    "udp-huge": lambda send, query, other: send(b"pong" + b"x" * 60000),
    "dns": dns(),
    "dns-nxdomain": dns(0x8183),
    "dns-servfail-then-good": dns(0x8182, then=dns()),
    "dns-truncated": dns(0x8380),
    "dns-wrong-id": dns(wrong_id=True),
    "dns-wrong-id-then-good": dns(wrong_id=True, then=dns()),
    "dns-not-an-answer": dns(0x0100),
    "dns-other-source": lambda send, query, other: dns()(other, query, other),
    "udp-silent": lambda send, query, other: None,
    "udp-pong": lambda send, query, other: send(b"pong"),
    "udp-ping-then-pong": lambda send, query, other: (send(b"ping"), send(b"pong")),
    "udp-short": lambda send, query, other: send(b"po"),
    "udp-long": lambda send, query, other: send(b"pong" + b"x" * 296),
    "udp-other-source": lambda send, query, other: other(b"pong"),
}


def serve_udp(address, answer):
    here, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    here.bind((address, 53))
    stranger.bind((address, 0))
    datagrams(
        here,
        lambda query, sender: answer(
            lambda text: here.sendto(text, sender), query, lambda text: stranger.sendto(text, sender)
        ),
    )


def checksum(packet):
    total = sum(struct.unpack(f">{len(packet) // 2}H", packet[: len(packet) // 2 * 2]))
    total += packet[-1] << 8 if len(packet) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(code=0, identity=0, number=0, wrong_sum=0, data=lambda data: data):
    """The answer to an echo request (RFC 792, RFC 4443 4.2), with something wrong. Over IPv6 the kernel sums it up."""

    def answer(send, request, other):
        asked_identity, asked_number = struct.unpack(">HH", request[4:8])
        rest = struct.pack(">HH", asked_identity ^ identity, asked_number ^ number) + data(request[8:])
        packet = struct.pack(">BBH", 0 if request[0] == 8 else 129, code, 0) + rest
        send(packet[:2] + struct.pack(">H", checksum(packet) ^ wrong_sum) + rest)

    return answer


PING = {
    "ping": echo(),
    "ping-silent": lambda send, request, other: None,
    "ping-other-id": echo(identity=0x5555),
    "ping-other-number": echo(number=0x5555),
    "ping-other-data": echo(data=lambda data: b"!" * len(data)),
    "ping-other-source": lambda send, request, other: echo()(other, request, other),
    "ping-truncated": echo(data=lambda data: data[:8]),
    "ping-longer": echo(data=lambda data: data + b"more"),
    "ping-wrong-sum": echo(wrong_sum=0x0101),
    "ping-other-code": echo(code=7),
    "ping-wrong-then-good": lambda send, request, other: [
        answer(send, request, other) for answer in (echo(identity=1), echo(number=1), echo(data=bytes.upper), echo())
    ],
}


def serve_ping(address, answer):
    """The kernel answers for none (`icmp_echo_ignore_all`)."""
    is_ipv6 = ":" in address
    family = socket.AF_INET6 if is_ipv6 else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if is_ipv6 else socket.IPPROTO_ICMP
    here, stranger = (socket.socket(family, socket.SOCK_RAW, protocol) for _ in range(2))
    here.bind((address, 0))
    stranger.bind(("fd00::2" if is_ipv6 else "192.168.0.2", 0))

    def see(packet, sender):
        request = packet if is_ipv6 else packet[(packet[0] & 0xF) * 4 :]
        if request[0] in (8, 128):
            answer(lambda text: here.sendto(text, sender), request, lambda text: stranger.sendto(text, sender))

    datagrams(here, see)


for behaviour, address in zip(sys.argv[1::2], sys.argv[2::2]):
    if behaviour in TCP:
        connections(socket.create_server((address, 25), backlog=50), TCP[behaviour])
    elif behaviour in UDP:
        serve_udp(address, UDP[behaviour])
    elif behaviour in PING:
        serve_ping(address, PING[behaviour])
print("ready", flush=True)
time.sleep(3600)
