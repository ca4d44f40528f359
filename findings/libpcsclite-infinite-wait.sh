#!/usr/bin/env bash
# libpcsclite 1.9.9 does not wait without an end in SCardGetStatusChange with the timeout INFINITE (0xFFFFFFFF).
#
# After 60 s without a change the library wakes up, ends the wait (command 0x14, CMD_STOP_WAITING_READER_STATE_CHANGE),
# begins it again (0x13, CMD_WAIT_READER_STATE_CHANGE) and receives the states of all readers, 2,944 bytes. The call itself
# does not return. So a program that waits for a card in this way wakes itself and pcscd once a minute, for as long as it
# runs, and a test that counts wake-ups has to know it.
#
# The script runs the real pcscd without readers and counts the commands that pass through a socket between it and the
# library. It takes a little more than a minute.
#
# Needs apt-get and dpkg of Debian 12, python3, and unshare with user namespaces or root, for a /run of its own. Exits with
# 0 while the behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get -o APT::Sandbox::User=root download --quiet=2 libpcsclite1=1.9.9-2 pcscd=1.9.9-2
for package in *.deb; do dpkg -x "$package" root; done
library=$(find root -name 'libpcsclite.so.1.*' -type f)
: >no-readers

cat >wait.py <<'PYTHON'
import ctypes
import os
import sys


class ReaderState(ctypes.Structure):
    _fields_ = [
        ("reader", ctypes.c_char_p),
        ("user_data", ctypes.c_void_p),
        ("current", ctypes.c_ulong),
        ("event", ctypes.c_ulong),
        ("length", ctypes.c_ulong),
        ("atr", ctypes.c_ubyte * 33),
    ]


library = ctypes.CDLL(os.path.abspath(sys.argv[1]))
context = ctypes.c_long()
assert library.SCardEstablishContext(2, None, None, ctypes.byref(context)) == 0
state = ReaderState(b"\\\\?PnP?\\Notification")
library.SCardGetStatusChange(context, ctypes.c_ulong(0xFFFFFFFF), ctypes.byref(state), 1)
print("returned", flush=True)
PYTHON

cat >between.py <<'PYTHON'
# Passes bytes on between a client and pcscd, and prints the command of each header of 8 bytes, or the length of what comes
# back, with the seconds since the start.
import select
import socket
import sys
import time

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listens", flush=True)
client, _ = server.accept()
service = socket.socket(socket.AF_UNIX)
service.connect("/run/pcscd/pcscd.comm")
start = time.monotonic()
other = {client: service, service: client}
body = 0
while True:
    for source in select.select(list(other), [], [])[0]:
        data = source.recv(65536)
        if not data:
            sys.exit()
        other[source].sendall(data)
        what = f"{len(data)} bytes"
        if source is client:
            # A header has the length of what follows it and the command.
            is_body, body = body > 0, max(0, body - len(data))
            if is_body:
                continue
            body = max(0, data[0] + 8 - len(data))
            what = f"command {data[4]:#04x}"
        print(f"{time.monotonic() - start:.0f} s: {what}", flush=True)
PYTHON

cat >run <<'SHELL'
# until_there TEST FILE: at most 30 s
until_there() {
    for _ in {1..300}; do
        ! test "$1" "$2" || return 0
        sleep 0.1
    done
    echo "There is no $2 after 30 s." >&2
    exit 1
}

mount -t tmpfs none /run
trap 'kill $(jobs -p) || true' EXIT
LD_LIBRARY_PATH=$(dirname "$1") root/usr/sbin/pcscd --foreground --config "$PWD/no-readers" >/dev/null 2>&1 &
until_there -S /run/pcscd/pcscd.comm
python3 between.py "$PWD/socket" >between.log &
until_there -s between.log
PCSCLITE_CSOCK_NAME=$PWD/socket python3 wait.py "$1" >wait.log &
# Until something happens later than at the start, for 100 s at most.
for _ in {1..100}; do
    ! grep --quiet '^[1-9][0-9]* s: [0-9]* bytes' between.log || break
    sleep 1
done
sleep 2
SHELL

unshare --mount --map-root-user bash run "$library"
cat between.log
[ ! -s wait.log ]
# The wait, its end after a minute, and the next wait.
[ "$(grep -c 'command 0x13' between.log)" = 2 ]
[ "$(grep -c '^6[0-9] s: command 0x14' between.log)" = 1 ]
[ "$(grep -c '^6[0-9] s: 2944 bytes' between.log)" = 1 ]
