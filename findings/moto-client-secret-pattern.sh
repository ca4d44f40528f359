#!/usr/bin/env bash
# moto 5.2.5: the secret of an app client does not match the pattern that Cognito's API model has for client secrets.
#
# The model allows letters, digits, underscores and plus signs, at most 64 of them. moto makes a UUID of 36 characters,
# with four hyphens. boto3 checks the lengths of a model and none of its patterns, so it shows no difference. A client
# that checks a secret by the model, before it calculates SECRET_HASH with it, refuses each secret of moto.
#
# Needs python3 with venv and a package index. Exits with 0 while the behaviour is as described.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[cognitoidp]==5.2.5' 'boto3==1.43.56'
cd "$work"
AWS_ACCESS_KEY_ID=none AWS_SECRET_ACCESS_KEY=none AWS_DEFAULT_REGION=eu-central-1 "$work/venv/bin/python" - <<'PYTHON'
import re
import uuid

import boto3
import moto

with moto.mock_aws():
    client = boto3.client("cognito-idp")
    shape = client.meta.service_model.shape_for("ClientSecretType")
    print("the model of boto3", boto3.__version__, "has", shape.metadata)
    pattern = shape.metadata["pattern"]
    pool = client.create_user_pool(PoolName="pool")["UserPool"]["Id"]
    made = [
        client.create_user_pool_client(UserPoolId=pool, ClientName=name, GenerateSecret=True)["UserPoolClient"]
        for name in ("first", "second", "third")
    ]

for secret in (app["ClientSecret"] for app in made):
    matches = re.fullmatch(pattern, secret) is not None
    print("moto", moto.__version__, "makes", secret, "which matches" if matches else "which does not match")
    assert not matches and str(uuid.UUID(secret)) == secret, "the secret is another one now"
PYTHON
