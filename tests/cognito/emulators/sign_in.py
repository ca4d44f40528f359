"""Signs in by SRP with pycognito, and lets oathbridge see to the second factor. Prints what came of it, as JSON.

usage: sign_in.py WAY JSON

WAY is
  respond    oathbridge answers the challenge, pycognito gets the tokens
  claim      oathbridge gives a code away, pycognito answers the challenge
  associate  signs in without a second factor, and has pycognito ask for a seed
  verify     oathbridge proves that the token has the seed; from then on pycognito meets the challenge

JSON has the members bus, url, pool, client, username, password; secret: the app client's, if it has one;
credential: an object path; access_token: what associate printed.
"""

import asyncio
import json
import sys

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus
from pycognito import Cognito
from pycognito.exceptions import SoftwareTokenMFAChallengeException

NAME = "io.github.oathbridge.OathBridge1"
ROOT = "/io/github/oathbridge/OathBridge1"


def oathbridge(world, *calls):
    """Makes these calls, one after the other; a call is (path, interface, method, signature, body)."""

    async def run():
        bus = await MessageBus(bus_address=world["bus"]).connect()
        replies = []
        for path, interface, member, signature, body in calls:
            reply = await bus.call(Message(
                destination=NAME, path=path, interface=f"{NAME}.{interface}", member=member,
                signature=signature, body=body,
            ))
            failed = reply.message_type is MessageType.ERROR
            replies.append(reply.error_name if failed else reply.body)
        return replies

    return asyncio.run(run())


def options(**values):
    kinds = {bool: "b", str: "s", dict: "a{ss}"}
    return {key.replace("_", "-"): Variant(kinds[type(value)], value) for key, value in values.items()}


def cognito(world, **tokens):
    # Credentials, since boto3 looks for some; these operations send none.
    endpoint = {"endpoint_url": world["url"], "aws_access_key_id": "none", "aws_secret_access_key": "none"}
    return Cognito(
        world["pool"], world["client"], username=world["username"], client_secret=world.get("secret"),
        boto3_client_kwargs=endpoint, **tokens,
    )


def challenged(world):
    """A sign-in that has met the challenge, and the challenge."""
    user = cognito(world)
    try:
        user.authenticate("not " + world["password"])
        raise AssertionError("a wrong password was accepted")
    except user.client.exceptions.NotAuthorizedException as refused:
        assert "Incorrect username or password." in str(refused), refused
    try:
        user.authenticate(world["password"])
    except SoftwareTokenMFAChallengeException as challenge:
        return user, challenge.get_tokens()
    raise AssertionError("no challenge")


def respond(world):
    _, challenge = challenged(world)
    proof = {"client_secret": world["secret"]} if "secret" in world else {}
    [[answer]] = oathbridge(world, (ROOT, "Cognito", "RespondToMfaChallenge", "oa{sv}", [
        world["credential"],
        options(
            profile="work", challenge_name=challenge["ChallengeName"], session=challenge["Session"],
            username=world["username"], challenge_parameters=challenge["ChallengeParameters"], **proof,
        ),
    ]))
    result = answer["authentication-result"].value
    tokens = {name: result[name.replace("_", "-")].value for name in ("access_token", "id_token", "refresh_token")}
    user = cognito(world, **tokens)
    user.verify_tokens()
    return {"claims": user.access_claims["username"], "user": user.get_user().username}


def claim(world):
    user, _ = challenged(world)
    call = (world["credential"], "Credential", "Calculate", "a{sv}", [options(claim=True)])
    [[code, *_], again] = oathbridge(world, call, call)
    user.respond_to_software_token_mfa_challenge(code)
    user.check_token(renew=False)
    return {"claims": user.access_claims["username"], "user": user.get_user().username, "again": again}


def associate(world):
    user = cognito(world)
    user.authenticate(world["password"])
    return {"secret": user.associate_software_token(), "access_token": user.access_token}


def verify(world):
    [[status, *_]] = oathbridge(world, (ROOT, "Cognito", "VerifySoftwareToken", "oa{sv}", [
        world["credential"],
        options(profile="work", access_token=world["access_token"], friendly_device_name="My key"),
    ]))
    _, challenge = challenged(world)
    return {"status": status, "name": challenge["ChallengeParameters"]["FRIENDLY_DEVICE_NAME"]}


print(json.dumps(globals()[sys.argv[1]](json.loads(sys.argv[2]))))
