"""What Vonage's own libraries say. `send API_KEY API_SECRET`: a message on standard input, as JSON; the request that the
library makes of it. `sign SECRET ALGORITHM EXPECTED`: a token with these claims, as Vonage's servers make
them, and whether the library takes it where the secret is the expected one."""

import json
import sys

import jwt
from requests import Response
from requests.adapters import HTTPAdapter
from vonage_http_client import Auth, HttpClient
from vonage_jwt import verify_signature
from vonage_messages import Messages
from vonage_messages.models import Sms


class Nobody(HTTPAdapter):
    """Answers for Vonage, and keeps what was asked."""

    def send(self, request, **_):
        self.asked = request
        answer = Response()
        answer.status_code, answer.request = 202, request
        answer.headers["content-type"] = "application/json"
        answer._content = b'{"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"}'
        return answer


def send(api_key, api_secret):
    given = json.load(sys.stdin)
    given["from_"] = given.pop("from")
    client, nobody = HttpClient(Auth(api_key=api_key, api_secret=api_secret)), Nobody()
    client._session.mount("https://", nobody)
    Messages(client).send(Sms(**given))
    asked = nobody.asked
    return {
        "method": asked.method,
        "path": asked.path_url,
        "authorization": asked.headers["Authorization"],
        "body": json.loads(asked.body),
    }


def sign(secret, algorithm, expected):
    token = jwt.encode(json.load(sys.stdin), None if algorithm == "none" else secret, algorithm)
    try:
        taken = verify_signature(token, expected)
    except Exception:
        taken = False
    return {"token": token, "taken": taken}


print(json.dumps({"send": send, "sign": sign}[sys.argv[1]](*sys.argv[2:])))
