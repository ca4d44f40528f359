#!/usr/bin/env python3
"""Enrols the token of a profile in Cognito; reads the access token from standard input.

    pip install dbus-fast
    examples/verify.py work < token.txt
"""

import asyncio
import os
import sys

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

NAME = "io.github.oathbridge.OathBridge1"
ROOT = "/io/github/oathbridge/OathBridge1"


async def verify(profile: str, access_token: bytes) -> str:
    bus = await MessageBus(negotiate_unix_fd=True).connect()
    # A memfd keeps the access token out of the message; a monitor of the bus sees only the descriptor's number.
    descriptor = os.memfd_create("access-token")
    os.write(descriptor, access_token)
    options = {
        "profile": Variant("s", profile),
        "access-token": Variant("h", 0),
        "timeout": Variant("u", 60),
    }
    reply = await bus.call(
        Message(
            destination=NAME,
            path=ROOT,
            interface=f"{NAME}.Cognito",
            member="VerifySoftwareToken",
            signature="oa{sv}",
            body=["/", options],
            unix_fds=[descriptor],
        )
    )
    if reply.message_type is MessageType.ERROR:
        sys.exit(f"{reply.error_name}: {reply.body[0]}")
    status, _session, extra = reply.body
    return f"{status} after {extra['attempts'].value} attempt(s)"


if len(sys.argv) != 2:
    sys.exit(f"usage: {sys.argv[0]} PROFILE < ACCESS_TOKEN_FILE")
print(asyncio.run(verify(sys.argv[1], sys.stdin.buffer.read())))
