#!/usr/bin/env bash
# moto 5.2.5: AssociateSoftwareToken gives each user, at each call, the same seed, which is not canonical base32.
#
# Amazon Cognito gives a new random seed of 52 upper-case characters at each call. moto gives `asdfasdfasdf`:
# * Two users of one pool calculate the same codes, so a client that submits no code twice for one seed finds that
#   the code of one user is used up by the other.
# * The characters are lower-case, and the last one has bits that belong to no byte. RFC 4648 section 3.5 lets a decoder
#   refuse both. Python's does refuse the first and ignores the second; Rust's data-encoding refuses both.
#
# Needs python3 with venv and a package index. Exits with 0 while the behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[cognitoidp]==5.2.5' 'boto3==1.43.56'
cd "$work"
AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-central-1 "$work/venv/bin/python" - <<'PYTHON'
import base64
import binascii

import boto3
import moto

PASSWORD = "Correct-horse-7"


def seeds_of(client, pool, app, user):
    """The seeds of two calls of AssociateSoftwareToken."""
    client.admin_create_user(UserPoolId=pool, Username=user, MessageAction="SUPPRESS")
    client.admin_set_user_password(UserPoolId=pool, Username=user, Password=PASSWORD, Permanent=True)
    parameters = {"USERNAME": user, "PASSWORD": PASSWORD}
    signed_in = client.initiate_auth(ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    token = signed_in["AuthenticationResult"]["AccessToken"]
    return [client.associate_software_token(AccessToken=token)["SecretCode"] for _ in range(2)]


with moto.mock_aws():
    client = boto3.client("cognito-idp")
    pool = client.create_user_pool(PoolName="pool", MfaConfiguration="OPTIONAL")["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH"]
    app = client.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    app = app["UserPoolClient"]["ClientId"]
    seeds = seeds_of(client, pool, app, "ada") + seeds_of(client, pool, app, "bob")

print("moto", moto.__version__, "gives the seeds", seeds)
assert len(set(seeds)) == 1, "the seeds differ now"
seed = seeds[0] + "=" * (-len(seeds[0]) % 8)
try:
    base64.b32decode(seed)
    raise AssertionError("the seed is upper-case now")
except binascii.Error as error:
    print("base64.b32decode refuses it:", error)
decoded = base64.b32decode(seed, casefold=True)
again = base64.b32encode(decoded).decode().lower()
print("with casefold=True it is", len(decoded), "bytes, which encode as", again)
assert again != seed, "the seed is canonical now"
PYTHON
