"""Calls every method of the daemon with dbus-fast, and prints which, with what came back.

usage: dbus_fast_client.py JSON, with the members address, token, credential, verify, respond, access_token, session
"""

import asyncio
import json
import os
import sys

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

NAME = "io.github.oathbridge.OathBridge1"
ROOT = "/io/github/oathbridge/OathBridge1"


async def main(world):
    bus = await MessageBus(bus_address=world["address"], negotiate_unix_fd=True).connect()
    called = {}

    async def call(path, interface, member, signature="", body=(), fds=()):
        message = Message(
            destination=NAME, path=path, interface=f"{NAME}.{interface}", member=member,
            signature=signature, body=list(body), unix_fds=list(fds),
        )
        reply = await bus.call(message)
        failed = reply.message_type is MessageType.ERROR
        called[f"{interface}.{member}"] = reply.error_name if failed else "done"
        return reply.body

    await call(ROOT, "Manager", "FindCredentials", "a{ss}", [{"issuer": "AWS"}])
    info = (await call(ROOT, "Manager", "GetCallerInfo"))[0]
    assert info["kind"].value == "executable" and "python" in info["name"].value, info
    await call(ROOT, "Manager", "Reload")
    reader, writer = os.pipe()
    os.write(writer, b"password\n")
    os.close(writer)
    await call(world["token"], "Token", "Unlock", "ha{sv}", [0, {}], [reader])
    code = await call(
        world["credential"], "Credential", "Calculate", "a{sv}", [{"handle-token": Variant("s", "python")}]
    )
    operation = f"{ROOT}/operations/{bus.unique_name[1:].replace('.', '_')}/python"
    kept = (await call(operation, "Operation", "GetResult"))[0]
    assert kept["code"].value == code[0], kept
    await call(operation, "Operation", "Cancel")
    verified = await call(
        ROOT, "Cognito", "VerifySoftwareToken", "oa{sv}",
        [world["verify"], {"profile": Variant("s", "work"), "access-token": Variant("s", world["access_token"])}],
    )
    assert verified[0] == "SUCCESS", verified
    answer = await call(
        ROOT, "Cognito", "RespondToMfaChallenge", "oa{sv}",
        [world["respond"], {
            "profile": Variant("s", "work"), "challenge-name": Variant("s", "SOFTWARE_TOKEN_MFA"),
            "session": Variant("s", world["session"]), "username": Variant("s", world["username"]),
        }],
    )
    assert answer[0]["authentication-result"].value["token-type"].value == "Bearer", answer
    reader, writer = os.pipe()
    os.write(writer, b"otpauth://totp/AWS:new?secret=GEZDGNBVGY3TQOJQ")
    os.close(writer)
    added = await call(world["token"], "Token", "AddCredential", "ha{sv}", [0, {}], [reader])
    renamed = await call(added[0], "Credential", "Rename", "ssa{sv}", ["AWS", "renamed", {}])
    assert renamed[0] != added[0], renamed
    await call(renamed[0], "Credential", "Remove", "a{sv}", [{"confirm": Variant("b", True)}])
    reader, writer = os.pipe()
    os.write(writer, b"password\n")
    os.close(writer)
    current, writer = os.pipe()
    os.write(writer, b"password\n")
    os.close(writer)
    await call(
        world["token"], "Token", "SetPassword", "ha{sv}",
        [0, {"current": Variant("h", 1), "confirm": Variant("b", True)}], [reader, current],
    )
    await call(world["token"], "Token", "Lock")
    await call(ROOT, "Manager", "LockAll")
    print(json.dumps(called))


asyncio.run(main(json.loads(sys.argv[1])))
