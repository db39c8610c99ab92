"""What flows while a director is reloaded.

`traffic.py serve NAME PORT` accepts connections, says its name on each and then sends back what comes.
`traffic.py client ADDRESS PORT LONG STOP KEPT` opens LONG connections that it keeps, says "ready" when each has answered,
and from then on speaks on each of them again and again, while it opens new ones, one after the other. Once the file STOP
is there it says on each of the long ones a last time what it has to say, and ends with one line of figures. KEPT are the
names of the servers that are never taken away, with commas between them.

It says "LOST ..." if a connection to a server of KEPT ends, or does not answer for PATIENCE seconds, and "REFUSED ..." if
a new connection cannot be made. A new connection may be one to a server that is taken away just then, and get no answer:
IPVS drops what such a connection still sends. That is counted.
"""

import os
import socket
import sys
import threading
import time

PATIENCE = 20


def serve(name, port):
    def talk(stream):
        try:
            stream.sendall(name.encode().ljust(8))
            while data := stream.recv(4096):
                stream.sendall(data)
        except OSError:
            pass
        finally:
            stream.close()

    listener = socket.create_server(("", port), backlog=200)
    print("ready", flush=True)
    while True:
        threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()


def read(stream, length):
    data = b""
    while len(data) < length:
        more = stream.recv(length - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def client(address, port, count, stop, kept):
    kept = set(kept.split(","))
    figures = {"new": 0, "silent": 0, "asked": 0}

    def connect():
        stream = socket.create_connection((address, port), timeout=PATIENCE)
        return stream, read(stream, 8).decode().strip()

    long, spare = [], []
    while len(long) < count:
        stream, name = connect()
        (long if name in kept else spare).append((stream, name))
    for stream, _ in spare:
        stream.close()

    def ask(stream, name, number):
        question = b"%-15d" % number
        try:
            stream.sendall(question)
            if read(stream, len(question)) != question:
                raise ConnectionError("another answer")
            figures["asked"] += 1
        except OSError as error:
            print("LOST", name, repr(error), flush=True)
            return False
        return True

    def open_new(number):
        try:
            stream = socket.create_connection((address, port), timeout=PATIENCE)
        except OSError as error:
            print("REFUSED", number, repr(error), flush=True)
            return
        figures["new"] += 1
        with stream:
            stream.settimeout(2)
            try:
                read(stream, 8)
            except OSError:
                figures["silent"] += 1

    for stream, name in long:
        if not ask(stream, name, 0):
            return
    print("ready", len(long), "long connections", flush=True)
    number, threads = 0, []
    while long and not os.path.exists(stop):
        number += 1
        # Each of its own: one that gets no answer holds up nobody.
        thread = threading.Thread(target=open_new, args=(number,), daemon=True)
        thread.start()
        threads = [it for it in threads if it.is_alive()] + [thread]
        long = [(stream, name) for stream, name in long if number % 5 or ask(stream, name, number)]
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    alive = sum(ask(stream, name, number + 1) for stream, name in long)
    print("end: long", alive, " ".join(f"{key} {value}" for key, value in figures.items()), flush=True)


if sys.argv[1] == "serve":
    serve(sys.argv[2], int(sys.argv[3]))
else:
    client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], sys.argv[6])
