"""Signs a form as Twilio does, with Twilio's own library: KEY ALGORITHM URL, and the form as JSON on standard input."""

import json
import sys

from twilio.request_validator import RequestValidator

key, algorithm, url = sys.argv[1:]
print(RequestValidator(key).compute_signature(url, json.load(sys.stdin), algorithm))
