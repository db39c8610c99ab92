"""Servers on loopback that are good for a while and then bad, or bad from the start, and who asked them when.

Arguments: a file with lines `PORT KIND SECONDS` (good for so many seconds from the first question on), and how long to watch.
Prints "ready", and at the end for each port its attempts while it was bad, and after how many of those it was said to be down.
"""

import asyncio
import os
import socket
import struct
import sys
import threading
import time

PORTS = [line.split() for line in open(sys.argv[1])]
PORTS = {int(port): (kind, float(seconds)) for port, kind, seconds in PORTS}
WATCH = float(sys.argv[2])
FIFO, BAD = "/run/lvs", "/run/bad."
began = None
asked, down = [], []


def is_bad(port):
    since = 0 if began is None else time.monotonic() - began
    return since >= PORTS[port][1]


def note(port):
    global began
    now = time.monotonic()
    began = began or now
    asked.append((now, port))


def watch_packets():
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    packets.bind(("lo", 0))
    while True:
        frame, address = packets.recvfrom(2000)
        if address[2] != socket.PACKET_OUTGOING or frame[12:14] != b"\x08\0":
            continue
        ip = frame[14:]
        data = ip[(ip[0] & 15) * 4 :]
        port = struct.unpack(">H", data[2:4])[0]
        if ip[9] == 6 and data[13] & 0x12 == 2 or ip[9] == 17:
            if port in PORTS:
                note(port)
        elif ip[9] == 1 and data[0] == 8:
            note(next(port for port, (kind, _) in PORTS.items() if kind == "PING"))


def watch_commands():
    while True:
        with open("/run/asked") as pipe:
            for line in pipe:
                note(int(line))


def watch_verdicts():
    while True:
        with open(FIFO) as pipe:
            for line in pipe:
                words = line.split()
                if words[0] == "RS" and words[-1] == "DOWN":
                    down.append((time.monotonic(), int(words[1].rsplit(":", 1)[1])))


async def talk(kind, reader, writer):
    if kind == "HTTP":
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    elif kind == "SMTP":
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            writer.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 ok\r\n")
    writer.close()


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, kind):
        self.kind = kind

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if self.kind == "DNS":
            self.transport.sendto(data[:2] + b"\x81\x80" + data[4:], address)


async def serve(port):
    kind = PORTS[port][0]
    loop, server = asyncio.get_running_loop(), None
    if is_bad(port):
        return
    if kind in ("DNS", "UDP"):
        server, _ = await loop.create_datagram_endpoint(lambda: Datagrams(kind), local_addr=("127.0.0.1", port))
    elif kind != "MISC":
        server = await asyncio.start_server(lambda *ends: talk(kind, *ends), "127.0.0.1", port)
    while not is_bad(port):
        await asyncio.sleep(0.02)
    if server:
        server.close()
    else:
        open(f"{BAD}{port}", "w").close()


async def main():
    for path in (FIFO, "/run/asked"):
        os.mkfifo(path)
    for port, (kind, seconds) in PORTS.items():
        if kind == "MISC" and seconds == 0:
            open(f"{BAD}{port}", "w").close()
    for watch in (watch_packets, watch_commands, watch_verdicts):
        threading.Thread(target=watch, daemon=True).start()
    tasks = [asyncio.create_task(serve(port)) for port in PORTS]
    await asyncio.sleep(0.5)
    print("ready", flush=True)
    while began is None or time.monotonic() < began + WATCH:
        await asyncio.sleep(0.1)
    for port, (kind, seconds) in PORTS.items():
        # What was asked while it was about to turn bad may have been answered either way.
        attempts = [at for at, other in asked if other == port and at >= began + seconds]
        pauses = [f"{after - before:.1f}" for before, after in zip(attempts, attempts[1:])]
        # The packet may be read after the verdict on it; the next one comes a second later at the earliest.
        said = [at + 0.5 for at, other in down if other == port]
        failures = sum(at <= said[0] for at in attempts) if said else -1
        print("result", kind, int(seconds), failures, *pauses, flush=True)
    os._exit(0)


asyncio.run(main())
