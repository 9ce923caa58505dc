"""Stripe as localstripe plays it: customers, payment methods, payment intents and refunds. It says its port; then, for each
line that it reads, a card number, it makes a customer with a payment method of that card, and says both. Ends with its
standard input. It keeps nothing on disk, and listens on this machine only."""

import asyncio
import json
import logging
import os
import sys
import threading

from aiohttp import web
from localstripe import resources
from localstripe.server import app

resources.Store.dump_to_disk = lambda self: None
logging.disable(logging.CRITICAL)


async def serve(ready):
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ready(site._server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


def run():
    asyncio.run(serve(lambda port: print(json.dumps({"port": port}), flush=True)))


def card(number):
    customer = resources.Customer(email="somebody@example.com")
    card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
    method = resources.PaymentMethod(type="card", card=card)
    resources.PaymentMethod._api_attach(method.id, customer=customer.id)
    return {"customer": customer.id, "method": method.id}


threading.Thread(target=run, daemon=True).start()
for line in sys.stdin:
    print(json.dumps(card(line.strip())), flush=True)
os._exit(0)
