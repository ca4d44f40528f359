#!/usr/bin/env bash
# libpcsclite 1.9.9 has three results of SCardEstablishContext for a service that ends the connection without an answer,
# and one of them is the code of a refused authorisation.
#
# * Nothing listens: SCARD_E_NO_SERVICE (0x8010001D).
# * The service closes the connection after it has read the request: SCARD_F_COMM_ERROR (0x80100013).
# * The service closes the connection while the request is unread: SCARD_W_SECURITY_VIOLATION (0x8010006A).
#
# If the connection is closed before the client has written, the result is the first or the last one, by chance.
#
# A client that polkit refuses gets the last one, too. So a program that says "you are not allowed to use the smart card
# service" for this code can be wrong: a service that ends while a request waits in its socket gives the same code. The
# code alone does not tell the cases apart, and a program has to ask again.
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

cat >ask.py <<'PYTHON'
import ctypes
import os
import sys

SCARD_SCOPE_SYSTEM = 2
library = ctypes.CDLL(os.path.abspath(sys.argv[1]))
library.SCardEstablishContext.restype = ctypes.c_ulong
context = ctypes.c_long()
result = library.SCardEstablishContext(SCARD_SCOPE_SYSTEM, None, None, ctypes.byref(context))
print("0x%08X" % (result & 0xFFFFFFFF))
PYTHON

cat >service.py <<'PYTHON'
# Takes one connection, reads so many bytes of the request, and closes it. The first request is a header of 8 bytes, the
# length and the number of the command, and the client's version, 12 bytes.
import socket
import sys

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listens", flush=True)
connection, _ = server.accept()
left = int(sys.argv[2])
while left:
    left -= len(connection.recv(left))
connection.close()
PYTHON

# The result if the service closes the connection after it has read so many bytes.
closed_after() {
    python3 service.py "socket-$1" "$1" >"ready-$1" &
    until [ -s "ready-$1" ]; do sleep 0.1; done
    PCSCLITE_CSOCK_NAME=$PWD/socket-$1 python3 ask.py "$library"
    wait
}

absent=$(PCSCLITE_CSOCK_NAME=$PWD/absent python3 ask.py "$library")
unread=$(closed_after 1)
read=$(closed_after 20)
echo "nothing listens:                   $absent"
echo "closed with the request unread:    $unread"
echo "closed with the request read:      $read"
[ "$absent" = 0x8010001D ]
[ "$unread" = 0x8010006A ]
[ "$read" = 0x80100013 ]
