"""Connections and datagrams: what serves them runs in threads that end with the program."""

import threading


def start(work, *words):
    threading.Thread(target=work, args=words, daemon=True).start()


def connections(listener, talk):
    """Has `talk` serve each connection, which ends when that returns or the other side leaves."""

    def serve(stream):
        try:
            talk(stream)
        except OSError:
            pass
        finally:
            stream.close()

    def run():
        while True:
            start(serve, listener.accept()[0])

    start(run)


def datagrams(here, answer):
    """Has `answer` see each datagram and who sent it."""

    def run():
        while True:
            try:
                answer(*here.recvfrom(2000))
            except OSError:
                # Somebody was not there any more.
                pass

    start(run)
