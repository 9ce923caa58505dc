"""PyPI `mozilla-django-oidc` in a Django application of one file: login elevated by `acr_values`, a silent renewal by
the library's `SessionRefresh`, userinfo, a refresh, logout. The library takes its endpoints as settings; they come from
discovery here."""

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests

ISSUER, PORT = os.environ["ISSUER"], int(os.environ["PORT"])
CLIENT = (os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
WANTED = "urn:stepgate:acr:hardware-token"
HERE = f"http://127.0.0.1:{PORT}"
WALK = Path(__file__).parent.parent / "walk.py"
metadata = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()


def end_of_session(request):
    leave = {"id_token_hint": request.session["oidc_id_token"], "post_logout_redirect_uri": f"{HERE}/"}
    return f"{metadata['end_session_endpoint']}?{urlencode(leave)}"


import django
from django.conf import settings

folder = tempfile.TemporaryDirectory()
settings.configure(
    SECRET_KEY="for-this-run-only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder.name}/db"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "mozilla_django_oidc"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "mozilla_django_oidc.middleware.SessionRefresh",
    ],
    AUTHENTICATION_BACKENDS=[f"{__name__}.Backend"],
    OIDC_RP_CLIENT_ID=CLIENT[0],
    OIDC_RP_CLIENT_SECRET=CLIENT[1],
    OIDC_RP_SIGN_ALGO="RS256",
    OIDC_RP_SCOPES="openid profile email",
    OIDC_OP_AUTHORIZATION_ENDPOINT=metadata["authorization_endpoint"],
    OIDC_OP_TOKEN_ENDPOINT=metadata["token_endpoint"],
    OIDC_OP_USER_ENDPOINT=metadata["userinfo_endpoint"],
    OIDC_OP_JWKS_ENDPOINT=metadata["jwks_uri"],
    OIDC_TOKEN_USE_BASIC_AUTH=True,
    OIDC_USE_PKCE=True,
    OIDC_STORE_ACCESS_TOKEN=True,
    OIDC_STORE_ID_TOKEN=True,
    OIDC_AUTH_REQUEST_EXTRA_PARAMS={"acr_values": WANTED},
    OIDC_AUTHENTICATION_CALLBACK_URL="callback",
    OIDC_EXEMPT_URLS=["callback"],
    OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS=3600,
    OIDC_OP_LOGOUT_URL_METHOD=f"{__name__}.end_of_session",
    ALLOW_LOGOUT_GET_METHOD=True,
    LOGIN_REDIRECT_URL="/me",
    LOGOUT_REDIRECT_URL="/",
)
django.setup()

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import include, path
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView


class Backend(OIDCAuthenticationBackend):
    """As the library has it; keeps what it verified and fetched, and the refresh token, for this script to look at."""

    def get_token(self, payload):
        tokens = super().get_token(payload)
        self.request.session["refresh_token"] = tokens["refresh_token"]
        return tokens

    def get_userinfo(self, access_token, id_token, payload):
        userinfo = super().get_userinfo(access_token, id_token, payload)
        self.request.session["seen"] = {"claims": payload, "userinfo": userinfo}
        return userinfo


def me(request):
    if "expire" in request.GET:
        request.session["oidc_id_token_expiration"] = 0
        return HttpResponse("expired")
    session = request.session
    return JsonResponse({**session["seen"], "access": session["oidc_access_token"], "refresh": session["refresh_token"]})


urlpatterns = [
    path("oidc/", include("mozilla_django_oidc.urls")),
    path("callback", OIDCAuthenticationCallbackView.as_view(), name="callback"),
    path("me", me),
    path("", lambda request: HttpResponse("bye")),
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


call_command("migrate", verbosity=0)
server = make_server("127.0.0.1", PORT, get_wsgi_application(), handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()


def walk(start, stop, *more):
    command = ["python3", WALK, "erin", f"{HERE}{start}", f"{HERE}{stop}", "--jar", os.environ["JAR"], *more]
    return subprocess.check_output(command, text=True).strip()


first = json.loads(walk("/oidc/authenticate/", "/callback", "--open"))
claims, userinfo = first["claims"], first["userinfo"]
assert claims["acr"] == WANTED and claims["amr"] == ["pwd", "otp", "hwk", "mfa"], claims
assert userinfo["sub"] == claims["sub"] and userinfo["email"] == "erin@iron-builders.example", userinfo

# The library's own renewal: a silent request, and nobody is asked.
walk("/me?expire", "/callback", "--fetch")
again = json.loads(walk("/me", "/callback", "--open"))["claims"]
assert again["iat"] >= claims["iat"] and again["nonce"] != claims["nonce"], "nothing was renewed"
assert again["auth_time"] == claims["auth_time"] and again["acr"] == claims["acr"], "a renewal changed auth_time or acr"
form = {"grant_type": "refresh_token", "refresh_token": first["refresh"]}
renewed = requests.post(metadata["token_endpoint"], data=form, auth=CLIENT, timeout=10)
assert renewed.status_code == 200, renewed.text

assert walk("/oidc/logout/", "/") == f"{HERE}/", "the logout led elsewhere"
bearer = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
assert requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=10).status_code == 401, "the tokens outlived the session"
print(json.dumps({"client": "mozilla-django-oidc", "acr": claims["acr"], "amr": claims["amr"], "auth_time": claims["auth_time"], "name": userinfo["name"]}))
