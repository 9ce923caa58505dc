"""The crate `openidconnect`, as the demo's partner application uses it (`idp/src/demo/partner`): the same way as the
others go, through its pages."""

import html
import json
import os
import re
import subprocess
import urllib.request
from pathlib import Path

ISSUER = os.environ["ISSUER"]
WANTED = "urn:stepgate:acr:hardware-token"
WALK = Path(__file__).parent.parent / "walk.py"
with urllib.request.urlopen(f"{ISSUER}/demo") as answer:
    found = re.search(r'href="(http://localhost:\d+)/?"[^>]*>', answer.read().decode())
PARTNER = found.group(1)


def walk(start, stop, *more):
    command = ["python3", WALK, "erin", start, stop, "--jar", os.environ["JAR"], *more]
    return subprocess.check_output(command, text=True).strip()


def shown(page):
    parts = re.findall(r'id="(acr|id-token-claims|userinfo|introspection)">(.*?)<', page, re.S)
    parts = {name: html.unescape(text) for name, text in parts}
    assert parts["acr"] == WANTED, page
    return [json.loads(parts[name]) for name in ("id-token-claims", "userinfo", "introspection")]


claims, userinfo, introspection = shown(walk(f"{PARTNER}/start?want=hardware-token", f"{PARTNER}/callback", "--open"))
assert claims["amr"] == ["pwd", "otp", "hwk", "mfa"], claims
assert userinfo["sub"] == claims["sub"] and userinfo["email"] == "erin@iron-builders.example", userinfo
assert introspection["active"] is True and introspection["acr"] == WANTED, introspection
again, _, _ = shown(walk(f"{PARTNER}/refresh", "none", "--fetch", "--post"))
assert again["iat"] >= claims["iat"], again
assert again["auth_time"] == claims["auth_time"] and again["acr"] == claims["acr"], "a refresh changed auth_time or acr"
end = walk(f"{PARTNER}/logout", PARTNER)
assert end.rstrip("/") == PARTNER, end
silent = walk(f"{PARTNER}/", "none", "--fetch")
assert 'id="acr"' not in silent, "still logged in"
print(json.dumps({"client": "openidconnect", "acr": claims["acr"], "amr": claims["amr"], "auth_time": claims["auth_time"], "name": userinfo["name"]}))
