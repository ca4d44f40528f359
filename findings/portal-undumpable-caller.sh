#!/usr/bin/env bash
# xdg-desktop-portal 1.16.0 refuses a caller that has made itself undumpable, unless the caller has called before that.
#
# The portal learns from /proc/PID/root whether a caller is in a sandbox, at the first method call of each connection. The
# kernel lets no other process of the user look there once the caller has called prctl(PR_SET_DUMPABLE, 0), as programs with
# secrets do. The portal does not take such a caller for an unknown program: every call fails with
# org.freedesktop.DBus.Error.AccessDenied, "Portal operation not allowed: Unable to open /proc/PID/root".
#
# The answer to the first call is kept for the connection. So a program with secrets makes one call first, and then makes
# itself undumpable: later calls are answered. A mock of the portal shows nothing of this.
#
# The script calls the portal's method ProxyResolver.Lookup, which needs no desktop, three times: by a plain process, by an
# undumpable one, and by one that becomes undumpable between two calls.
#
# Needs apt-get and dpkg of Debian 12, dbus-daemon, python3 with venv, and an ordinary user or setpriv. Exits with 0 while the
# behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
finish() {
    # shellcheck disable=SC2046  # a list of numbers
    kill $(jobs -p) 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
cd "$work"
mkdir fetched
# With the libraries that are not installed here.
packages="xdg-desktop-portal=1.16.0-2 $(apt-get install --simulate --no-install-recommends xdg-desktop-portal=1.16.0-2 2>/dev/null |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -v '^xdg-desktop-portal$' | tr '\n' ' ')"
# shellcheck disable=SC2086  # a list of words
(cd fetched && apt-get -o APT::Sandbox::User=root download --quiet=2 $packages)
for package in fetched/*.deb; do dpkg -x "$package" root; done
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install jeepney==0.9.0

cat >call.py <<'PYTHON'
import ctypes
import sys

from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection
from jeepney.low_level import MessageType

PR_SET_DUMPABLE = 4
portal = DBusAddress(
    "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Desktop", "org.freedesktop.portal.ProxyResolver"
)
connection = open_dbus_connection(bus="SESSION")


def lookup():
    reply = connection.send_and_get_reply(new_method_call(portal, "Lookup", "s", ("http://example.com/",)), timeout=30)
    if reply.header.message_type is MessageType.error:
        return f"{reply.header.fields[4]}: {reply.body[0]}"
    return f"answered: {reply.body[0]}"


for step in sys.argv[1:]:
    if step == "hide":
        assert ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
        print("undumpable")
    else:
        print(lookup())
PYTHON

# Root may look everywhere, so an ordinary user runs both sides.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
    as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
    chown -R 65534:65534 .
fi
libraries=$(find "$work/root" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
export HOME=$work XDG_RUNTIME_DIR=$work XDG_DATA_HOME=$work
export DBUS_SESSION_BUS_ADDRESS=unix:path=$work/bus DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/none
"${as_user[@]}" dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" >bus.log 2>&1 &
until [ -S bus ]; do sleep 0.1; done
"${as_user[@]}" env LD_LIBRARY_PATH="$libraries" XDG_DESKTOP_PORTAL_DIR="$work" \
    root/usr/libexec/xdg-desktop-portal --verbose >portal.log 2>&1 &
for ((n = 0; n < 300; n++)); do
    ! grep -q 'portal.Desktop acquired' portal.log || break
    sleep 0.1
done

call() { "${as_user[@]}" venv/bin/python call.py "$@"; }
call lookup | tee plain
call hide lookup | tee undumpable
call lookup hide lookup | tee later
grep -q '^answered: ' plain
grep -q '^org.freedesktop.DBus.Error.AccessDenied: Portal operation not allowed: Unable to open /proc/[0-9]*/root$' undumpable
[ "$(grep -c '^answered: ' later)" -eq 2 ]
