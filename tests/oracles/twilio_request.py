"""The request that Twilio's own library makes to look a number up: SID SECRET, and number and fields as JSON on standard
input."""

import json
import sys

from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client


class Nobody(TwilioHttpClient):
    """Keeps what was asked, and answers nothing."""

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **_):
        self.asked = {"method": method, "url": url, "params": params, "auth": list(auth)}
        raise TwilioException("nobody is there")


given, nobody = json.load(sys.stdin), Nobody()
client = Client(*sys.argv[1:], account_sid="AC00000000000000000000000000000001", http_client=nobody)
try:
    client.lookups.v2.phone_numbers(given["number"]).fetch(fields=given["fields"])
except TwilioException:
    pass
print(json.dumps(nobody.asked))
