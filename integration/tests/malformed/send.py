"""Sends packets of VRRP as they are: pairs of a TTL and the hexadecimal bytes after the IP header."""

import socket
import sys
import time

sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
for ttl, text in zip(sys.argv[2::2], sys.argv[3::2]):
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, int(ttl))
    sender.sendto(bytes.fromhex(text), ("224.0.0.18", 0))
    # No receiver's buffer is full because of us.
    time.sleep(0.002)
