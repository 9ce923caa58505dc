"""PyPI `idpyoidc`: discovery, code flow with PKCE, elevated acr, the ID token verified, userinfo, refresh, logout."""

import json
import logging
import os
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from idpyoidc.client.rp_handler import RPHandler
from idpyoidc.client.exception import OidcServiceError

# It logs the refusal that is expected at the end.
logging.disable(logging.CRITICAL)
ISSUER = os.environ["ISSUER"]
WANTED = "urn:stepgate:acr:hardware-token"
HERE = f"http://127.0.0.1:{os.environ['PORT']}"
WALK = Path(__file__).parent.parent / "walk.py"


def walk(start, stop):
    command = ["python3", WALK, "erin", start, stop, "--jar", os.environ["JAR"]]
    return subprocess.check_output(command, text=True).strip()


SERVICES = {
    "provider_info": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery",
    "authorization": "idpyoidc.client.oidc.authorization.Authorization",
    "accesstoken": "idpyoidc.client.oidc.access_token.AccessToken",
    "refresh_token": "idpyoidc.client.oidc.refresh_access_token.RefreshAccessToken",
    "userinfo": "idpyoidc.client.oidc.userinfo.UserInfo",
    "end_session": "idpyoidc.client.oidc.end_session.EndSession",
}
config = {
    "client_type": "oidc",
    "services": {name: {"class": implementation, "kwargs": {}} for name, implementation in SERVICES.items()},
    "issuer": ISSUER,
    "client_id": os.environ["CLIENT_ID"],
    "client_secret": os.environ["CLIENT_SECRET"],
    "redirect_uris": [f"{HERE}/callback"],
    "response_types_supported": ["code"],
    "scopes_supported": ["openid", "profile", "email"],
    "client_authn_methods": ["client_secret_basic", "bearer_header"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    "allow": {"missing_kid": False},
    "add_ons": {
        "pkce": {
            "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
            "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
        }
    },
}
handler = RPHandler(base_url=HERE, client_configs={ISSUER: config}, httpc_params={"verify": True, "timeout": 10})
request = {"scope": ["openid", "profile", "email"], "acr_values": [WANTED], "redirect_uri": f"{HERE}/callback"}
url = handler.begin(issuer_id=ISSUER, req_args=request)
callback = walk(url, f"{HERE}/callback")
answer = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
client = handler.get_client_from_session_key(answer["state"])
result = handler.finalize(ISSUER, answer)
assert "error" not in result, result
claims, userinfo = result["id_token"].to_dict(), result["userinfo"].to_dict()
state = answer["state"]
renewed = handler.refresh_access_token(state, client=client)
again = renewed["__verified_id_token"]

assert claims["acr"] == WANTED, claims["acr"]
assert claims["amr"] == ["pwd", "otp", "hwk", "mfa"], claims["amr"]
assert userinfo["sub"] == claims["sub"] and userinfo["email"] == "erin@iron-builders.example", userinfo
assert renewed["access_token"] != result["token"], "the refresh gave the same access token"
assert again["auth_time"] == claims["auth_time"] and again["acr"] == claims["acr"], "a refresh changed auth_time or acr"

leave = handler.logout(state, client=client, post_logout_redirect_uri="http://127.0.0.1/")
assert walk(leave["url"], "http://127.0.0.1/").startswith("http://127.0.0.1/?state="), "the logout led elsewhere"
try:
    client.get_user_info(state, access_token=renewed["access_token"])
    raise AssertionError("the tokens outlived the session")
except OidcServiceError as error:
    assert str(error) == "invalid_token", error
print(json.dumps({"client": "idpyoidc", "acr": claims["acr"], "amr": claims["amr"], "auth_time": claims["auth_time"], "name": userinfo["name"]}))
