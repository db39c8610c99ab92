"""Servers of every behaviour: arguments are pairs of a behaviour and an address. Says "ready" when all are there."""

import socket
import struct
import sys
import threading
import time


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


UDP = {
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


def serve_tcp(address, talk):
    listener = socket.create_server((address, 25), backlog=50)

    def connection(stream):
        try:
            talk(stream)
        except OSError:
            pass
        finally:
            stream.close()

    def run():
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=connection, args=(stream,), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()


def serve_udp(address, answer):
    here, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    here.bind((address, 53))
    stranger.bind((address, 0))

    def run():
        while True:
            query, sender = here.recvfrom(2000)
            answer(lambda text: here.sendto(text, sender), query, lambda text: stranger.sendto(text, sender))

    threading.Thread(target=run, daemon=True).start()


for behaviour, address in zip(sys.argv[1::2], sys.argv[2::2]):
    if behaviour in TCP:
        serve_tcp(address, TCP[behaviour])
    elif behaviour in UDP:
        serve_udp(address, UDP[behaviour])
print("ready", flush=True)
time.sleep(3600)
