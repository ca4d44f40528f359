#!/usr/bin/env bash
# libpcsclite 1.9.9 reads PCSCLITE_CSOCK_NAME once in the life of a process: at the first SCardEstablishContext, even if
# that one fails.
#
# pcscd's clients find the service by this variable; without it they use the system's socket. A program that sets it
# later, for example a test that starts a private pcscd after something in the same process asked for readers, goes on
# talking to the first address without any error. The context of the second call is a context of the first service.
#
# Needs apt-get and dpkg of Debian 12, and python3. Exits with 0 while the behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get -o APT::Sandbox::User=root download --quiet=2 libpcsclite1=1.9.9-2
dpkg -x libpcsclite1_1.9.9-2_*.deb root
library=$(find root -name 'libpcsclite.so.1.*' -type f)

python3 - "$library" <<'PYTHON'
import ctypes
import os
import socket
import sys
import threading

SCARD_SCOPE_SYSTEM = 2
library = ctypes.CDLL(os.path.abspath(sys.argv[1]))
library.SCardEstablishContext.restype = ctypes.c_ulong


def listener(name, counts):
    """A socket that counts the clients and closes each connection."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(name)
    server.listen()

    def serve():
        while True:
            connection, _ = server.accept()
            counts[name] += 1
            connection.close()

    threading.Thread(target=serve, daemon=True).start()


def establish(name):
    ctypes.CDLL(None).setenv(b"PCSCLITE_CSOCK_NAME", os.path.abspath(name).encode(), 1)
    context = ctypes.c_long()
    return library.SCardEstablishContext(SCARD_SCOPE_SYSTEM, None, None, ctypes.byref(context)) & 0xFFFFFFFF


# The first name has no listener yet: the call fails, and the name stays.
print("first name, nothing listens: 0x%08X" % establish("first"))
counts = {"first": 0, "second": 0}
for name in counts:
    listener(name, counts)
print("second name, both listen:    0x%08X" % establish("second"))
print("connections:", counts)
assert counts["first"] > 0 and counts["second"] == 0, "the second name is used now"
PYTHON
