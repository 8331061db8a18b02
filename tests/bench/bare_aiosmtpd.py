"""The peer of B12: an aiosmtpd that takes any key and drops the mail. `python -m tests.bench.bare_aiosmtpd`
prints `listening on PORT`."""

import asyncio
import logging

import uvloop
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

DATA_BYTES = 64 << 20


class Dropping:
    """A handler that accepts everything and keeps nothing."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The answer to a message."""
        return "250 2.0.0 OK"


def session() -> SMTP:
    """The protocol of one connection."""
    return SMTP(
        Dropping(),
        data_size_limit=DATA_BYTES,
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),
    )


async def serve() -> None:
    """Serves until the process ends."""
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, backlog=1024)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    # It warns about each authentication.
    logging.disable(logging.WARNING)
    uvloop.run(serve())
