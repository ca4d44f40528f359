#!/usr/bin/env bash
# One call of status2_owned of the Rust crate pcsc 2.9.0 sends pcscd four messages. A command to the card is one message.
#
# SCardStatus of libpcsclite 1.9.9 first asks for the states of all readers (command 0x12, CMD_GET_READERS_STATE; the answer
# has 2,944 bytes) and then for the card (0x0b, SCARD_STATUS). The crate calls it twice: for the lengths of the name and of
# the answer to reset, and then for both. status2 with buffers calls it once. The crate keeps the protocol that
# SCardConnect returns to itself, so a program that wants to know the protocol of a card has to ask in one of these ways. With
# a card that answers at once, a request for a code took a quarter longer with status2_owned than without it.
#
# The script runs the real pcscd with a virtual reader without a card, and counts the commands that pass through a socket
# between it and the library. SCardGetAttrib (0x0f) separates the calls.
#
# Needs apt-get and dpkg of Debian 12, cargo and its registry, a C compiler to link with, python3, ip, and unshare with user
# namespaces or root, for a /run and a loopback interface of its own. Exits with 0 while the behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get -o APT::Sandbox::User=root download --quiet=2 libpcsclite1=1.9.9-2 libpcsclite-dev=1.9.9-2 pcscd=1.9.9-2 \
    vsmartcard-vpcd=3.3+dfsg-2
for package in *.deb; do dpkg -x "$package" root; done
library=$(find "$work/root" -name 'libpcsclite.so.1.*' -type f)
driver=$(find "$work/root" -name 'libifdvpcd.so*' -print -quit)
mkdir readers src
cat >readers/vpcd <<CONF
FRIENDLYNAME "Virtual"
DEVICENAME /dev/null:0x8C7B
LIBPATH $driver
CHANNELID 0x8C7B
CONF

cat >Cargo.toml <<'TOML'
[package]
name = "status"
version = "0.0.0"
edition = "2024"

[dependencies]
pcsc = "=2.9.0"
TOML
cat >src/main.rs <<'RUST'
use pcsc::{Attribute, Context, Error, MAX_BUFFER_SIZE, Protocols, Scope, ShareMode};

fn main() -> Result<(), Error> {
    let context = Context::establish(Scope::User)?;
    let readers = context.list_readers_owned()?;
    let card = context.connect(&readers[0], ShareMode::Direct, Protocols::UNDEFINED)?;
    let separate = || {
        let _ = card.get_attribute(Attribute::VendorName, &mut [0; MAX_BUFFER_SIZE]);
    };
    separate();
    let (mut names, mut atr) = ([0; 256], [0; 33]);
    card.status2(&mut names, &mut atr)?;
    separate();
    card.status2_owned()?;
    separate();
    Ok(())
}
RUST
PCSC_LIB_DIR=$(dirname "$library") cargo build --quiet

cat >between.py <<'PYTHON'
# Passes bytes on between a client and pcscd, and prints the command of each header of 8 bytes.
import select
import socket
import sys

server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listens", flush=True)
client, _ = server.accept()
service = socket.socket(socket.AF_UNIX)
service.connect("/run/pcscd/pcscd.comm")
other = {client: service, service: client}
sent = b""
while True:
    for source in select.select(list(other), [], [])[0]:
        data = source.recv(65536)
        if not data:
            sys.exit()
        other[source].sendall(data)
        if source is client:
            sent += data
            # A header has the length of what follows it and the command.
            while len(sent) >= 8 and len(sent) >= 8 + int.from_bytes(sent[:4], sys.byteorder):
                print(f"{sent[4]:#04x}", flush=True)
                sent = sent[8 + int.from_bytes(sent[:4], sys.byteorder) :]
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
ip link set lo up
trap 'kill $(jobs -p) || true' EXIT
export LD_LIBRARY_PATH=$(dirname "$1")
root/usr/sbin/pcscd --foreground --config "$PWD/readers" >pcscd.log 2>&1 &
until_there -S /run/pcscd/pcscd.comm
python3 between.py "$PWD/socket" >between.log &
until_there -s between.log
PCSCLITE_CSOCK_NAME=$PWD/socket target/debug/status
SHELL

unshare --mount --net --map-root-user bash run "$library" || { cat pcscd.log between.log; exit 1; }
calls=$(tail -n +2 between.log | tr '\n' ' ' | sed 's/^[^f]*0x0f //')
echo "between the separators: $calls"
[[ $calls == "0x12 0x0b 0x0f 0x12 0x0b 0x12 0x0b 0x0f "* ]]
