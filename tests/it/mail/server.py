"""A mail server that wants STARTTLS and a password, and answers as its recipients are called: bob's mailbox is full
twice, carol has none. Says its port, then one line of JSON for each thing that happens."""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

certificate, key = sys.argv[1:]


def note(**what):
    print(json.dumps(what), flush=True)


class Handler:
    full = 2

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("carol@"):
            note(refused=address, code=550)
            return "550 5.1.1 no such mailbox"
        if address.startswith("bob@") and self.full:
            self.full -= 1
            note(refused=address, code=452)
            return "452 4.2.2 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content.decode()
        note(to=envelope.rcpt_tos, tls=session.ssl is not None, user=session.auth_data, text=text)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (b"stepgate", b"mail-secret")
    note(login=right)
    return AuthResult(success=right, handled=right, auth_data=data.login.decode())


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    handler = Handler()
    make = lambda: SMTP(
        handler, tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate,
        hostname="localhost",
    )
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    note(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
