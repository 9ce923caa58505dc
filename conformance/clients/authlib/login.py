"""PyPI `authlib`: discovery, code flow with PKCE, elevated acr, the ID token verified, userinfo, refresh, logout."""

import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ISSUER = os.environ["ISSUER"]
WANTED = "urn:stepgate:acr:hardware-token"
REDIRECT = f"http://127.0.0.1:{os.environ['PORT']}/callback"
WALK = Path(__file__).parent.parent / "walk.py"

metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
session = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    scope="openid profile email",
    redirect_uri=REDIRECT,
    code_challenge_method="S256",
)
verifier, nonce = generate_token(48), generate_token()
url, state = session.create_authorization_url(
    metadata["authorization_endpoint"], nonce=nonce, acr_values=WANTED, code_verifier=verifier
)


def walk(start, stop):
    command = ["python3", WALK, "erin", start, stop, "--jar", os.environ["JAR"]]
    return subprocess.check_output(command, text=True).strip()


callback = walk(url, REDIRECT)
tokens = session.fetch_token(
    metadata["token_endpoint"], authorization_response=callback, state=state, code_verifier=verifier
)
keys = JsonWebKey.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())


def verified(id_token, params):
    options = {"iss": {"value": metadata["issuer"]}, "aud": {"value": session.client_id}}
    claims = jwt.decode(id_token, keys, claims_cls=CodeIDToken, claims_options=options, claims_params=params)
    claims.validate()
    return claims


claims = verified(tokens["id_token"], {"nonce": nonce, "client_id": session.client_id, "access_token": tokens["access_token"]})
userinfo = session.get(metadata["userinfo_endpoint"]).json()
renewed = session.refresh_token(metadata["token_endpoint"], tokens["refresh_token"])
again = verified(renewed["id_token"], {"client_id": session.client_id})

assert claims["acr"] == WANTED, claims["acr"]
assert claims["amr"] == ["pwd", "otp", "hwk", "mfa"], claims["amr"]
assert userinfo["sub"] == claims["sub"] and userinfo["email"] == "erin@iron-builders.example", userinfo
assert again["auth_time"] == claims["auth_time"] and again["acr"] == claims["acr"], "a refresh changed auth_time or acr"

leave = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "http://127.0.0.1/", "state": "bye"}
end = walk(f"{metadata['end_session_endpoint']}?{urlencode(leave)}", "http://127.0.0.1/")
assert end == "http://127.0.0.1/?state=bye", end
assert session.get(metadata["userinfo_endpoint"]).status_code == 401, "the tokens outlived the session"
print(json.dumps({"client": "authlib", "acr": claims["acr"], "amr": claims["amr"], "auth_time": claims["auth_time"], "name": userinfo["name"]}))
