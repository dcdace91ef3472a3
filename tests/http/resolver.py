# SPDX-License-Identifier: Apache-2.0
"""A name server that says what a test wants, and a world in which the system's resolver asks it.

`enter` runs the test again in namespaces of its own: there the network is a loopback with whatever
addresses the test gives it, and port 53 and /etc/resolv.conf are its own. Nothing leaves it.
"""
import fcntl
import ipaddress
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

INSIDE = "BACKSTOP_TEST_INSIDE"
SKIPPED = 77
TYPES = {1: 4, 28: 6}  # A and AAAA, and the version of IP
SIOCSIFADDR, SIOCSIFFLAGS = 0x8916, 0x8914
IFF_UP, IFF_RUNNING = 1, 0x40
FILES = {"/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n",
         "/etc/nsswitch.conf": "hosts: dns\n"}


def enter(addresses):
    """Comes back inside. Where the kernel gives no namespaces the test is skipped, and says so."""
    if not os.environ.get(INSIDE):
        options = ["unshare", "--user", "--map-root-user", "--mount", "--net"]
        tried = subprocess.run([*options, "mount", "--bind", "/etc", "/etc"], capture_output=True,
                               text=True, check=False) if shutil.which("unshare") else None
        if tried is None or tried.returncode != 0:
            print(f"skipped: no namespaces here: {tried.stderr if tried else 'no unshare'}")
            sys.exit(SKIPPED)
        os.environ[INSIDE] = "1"
        os.execvp("unshare", [*options, sys.executable, *sys.argv])
    for number, address in enumerate(["127.0.0.1", *addresses]):
        give_address(f"lo:{number}" if number else "lo", address)
    for path, text in FILES.items():
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            if os.path.exists(path):
                subprocess.run(["mount", "--bind", file.name, path], check=True)


def give_address(interface, address):
    name = interface.encode().ljust(16, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFADDR, name + struct.pack(
            "=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address)))
        fcntl.ioctl(control, SIOCSIFFLAGS, name + struct.pack("=H14x", IFF_UP | IFF_RUNNING))


class NameServer:
    """names: {"hook.example": ["192.0.2.1", "fd00::1"]}, which may be changed at any time. No
    answer may be kept: its time to live is 0."""

    def __init__(self, names):
        self.names = names
        self.asked = []  # (name, what was answered)

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.socket.settimeout(0.1)
        self.ends = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        self.socket.close()

    def serve(self):
        while not self.ends:
            try:
                query, client = self.socket.recvfrom(512)
                self.socket.sendto(self.answer(query), client)
            except TimeoutError:
                continue

    def answer(self, query):
        labels = []
        at = 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name = ".".join(labels).lower()
        question = query[12:at + 5]
        kind = struct.unpack_from(">H", query, at + 1)[0]
        known = [ipaddress.ip_address(text) for text in self.names.get(name, [])]
        found = [address for address in known if address.version == TYPES.get(kind)]
        self.asked.append((name, [str(address) for address in found]))
        flags = 0x8180 if known else 0x8183
        records = b"".join(struct.pack(">HHHIH", 0xc00c, kind, 1, 0, len(address.packed)) +
                           address.packed for address in found)
        return query[:2] + struct.pack(">5H", flags, 1, len(found), 0, 0) + question + records
