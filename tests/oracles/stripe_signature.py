"""Signs, or checks, a webhook with Stripe's own library: sign SECRET TIME, or verify SECRET HEADER; the body on standard
input. Prints the header, or the type of the event."""

import sys

import stripe

act, secret, other = sys.argv[1:]
body = sys.stdin.read()
if act == "sign":
    signature = stripe.WebhookSignature._compute_signature(f"{other}.{body}", secret)
    print(f"t={other},v1={signature},v0=00")
else:
    print(stripe.Webhook.construct_event(body, other, secret).type)
