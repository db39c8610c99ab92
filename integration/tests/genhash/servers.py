"""A page for each path, on port 8080, and over TLS on 8443, of IPv4 and IPv6. Says "ready" when all are there."""

import socket
import ssl
import sys
import time

from serving import connections

folder = sys.argv[1]
OK = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"
PAGES = {
    b"/": OK + b"hello\n",
    b"/empty": OK,
    b"/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n",
    b"/bytes": OK + bytes(range(256)) + b"0123456",
    b"/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"/shorter": b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\nhello",
    b"/longer": b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhello",
}


def answer(request):
    lines = request.split(b"\r\n")
    path, version = lines[0].split()[1:]
    if path == b"/asked":
        fields = [line for line in lines[1:] if not line.startswith(b"User-Agent")]
        return OK + version + b"\n" + b"\n".join(fields)
    return PAGES[path]


def serve(family, address, port, context):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(20)

    def talk(stream):
        named = [None]
        if context:
            context.sni_callback = lambda _stream, name, _context: named.append(name)
            stream = context.wrap_socket(stream, server_side=True)
        request = b""
        while b"\r\n\r\n" not in request:
            request += stream.recv(4096) or b"\r\n\r\n"
        if b" /named " in request:
            stream.sendall(OK + str(named[-1]).encode())
        elif request.startswith(b"GET "):
            stream.sendall(answer(request))
        if context:
            stream.unwrap()

    connections(listener, talk)


for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    serve(family, address, 8080, None)
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
    serve(family, address, 8443, secure)
print("ready", flush=True)
time.sleep(3600)
