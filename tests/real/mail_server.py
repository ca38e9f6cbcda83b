"""A mail server on this machine that does what a file says, and keeps what it takes.

Arguments: the port and a folder. The file `mode` in it says what becomes of the next letter: take, later, refuse,
unwelcome, or hang, which answers nothing until another is started. `taken` has a line of JSON for each letter it took,
`held` for each that hangs.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])


def mode():
    return (folder / "mode").read_text().strip()


def keep(file, envelope):
    letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
    line = {
        "to": envelope.rcpt_tos,
        "id": letter["Message-ID"],
        "from": letter["From"],
        "subject": letter["Subject"],
        "automatic": letter["Auto-Submitted"],
        "date": letter["Date"],
        "body": letter.get_content(),
    }
    with open(folder / file, "a") as lines:
        lines.write(json.dumps(line) + "\n")


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if mode() == "unwelcome":
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode() == "later":
            return "451 4.7.1 Greylisted, try again"
        if mode() == "refuse":
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if mode() == "hang":
            keep("held", envelope)
            await asyncio.Event().wait()
        keep("taken", envelope)
        return "250 OK"


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True), "127.0.0.1", port)
    await server.serve_forever()


asyncio.run(serve())
