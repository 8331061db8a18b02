"""Opens an SMTP connection: TCP, greeting, EHLO, STARTTLS and AUTH, up to the first MAIL."""

import asyncio
import base64
import ssl

from server.delivery.smtp.connection import ConnectionLost, SmtpConnection
from server.delivery.smtp.replies import Reply
from server.delivery.smtp.session import Session
from server.delivery.smtp.target import AttemptFailed, Channel, Credentials, Target, Timeouts, Tls
from server.delivery.verdict import Stage, judge, unreachable
from server.net.failures import system_text


async def connect(target: Target, hostname: str, tls_context: ssl.SSLContext, timeouts: Timeouts) -> Session:
    """A session that is ready for MAIL. `tls_context` must suit `target.tls`. Raises `AttemptFailed`."""
    loop = asyncio.get_running_loop()
    implicit = target.tls is Tls.IMPLICIT
    try:
        async with asyncio.timeout(timeouts.connect):
            _, connection = await loop.create_connection(
                SmtpConnection,
                target.address,
                target.port,
                ssl=tls_context if implicit else None,
                server_hostname=target.name if implicit else None,
            )
    except TimeoutError:
        text = f"no connection within {timeouts.connect:g} s"
        raise AttemptFailed(unreachable("4.4.1", text, target.display_name)) from None
    except (OSError, ssl.SSLError) as error:
        text = f"no connection: {system_text(error, 'the host cannot be reached')}"
        raise AttemptFailed(unreachable("4.4.1", text, target.display_name)) from error
    try:
        handshake = _Handshake(connection, target, hostname, timeouts)
        features = await handshake.run(tls_context)
    except ConnectionLost as lost:
        raise AttemptFailed(unreachable("4.4.2", str(lost), target.display_name)) from None
    except BaseException:
        connection.end("aborted")
        raise
    return Session(connection, target, features, handshake.channel, timeouts)


# The state of a connection before STARTTLS, if it is not just in clear.
_CHANNELS = {Tls.IMPLICIT: Channel.TLS, Tls.NONE: Channel.FALLEN_BACK}


class _Handshake:
    """The dialogue before the first message."""

    def __init__(self, connection: SmtpConnection, target: Target, hostname: str, timeouts: Timeouts) -> None:
        self._connection = connection
        self._target = target
        self._hostname = hostname
        self._timeouts = timeouts
        self.channel = _CHANNELS.get(target.tls, Channel.CLEAR)

    async def run(self, tls_context: ssl.SSLContext) -> dict[str, str]:
        """The extensions that the server offers in EHLO. Raises `AttemptFailed`, `ConnectionLost`."""
        greeting = await self._connection.reply(self._timeouts.greeting)
        if not greeting.is_success:
            raise self._refused(greeting)
        features = await self._hello()
        if self._target.tls in (Tls.OPPORTUNISTIC, Tls.ENCRYPTED, Tls.REQUIRED):
            if "STARTTLS" in features:
                features = await self._start_tls(tls_context, features)
            elif self._target.tls is not Tls.OPPORTUNISTIC:
                raise self._unfit("4.7.10", "STARTTLS is not offered, and is required here")
        if self._target.credentials is not None:
            await self._authenticate(self._target.credentials, features)
        return features

    async def _hello(self) -> dict[str, str]:
        name = self._hostname.encode()
        reply = await self._connection.command(b"EHLO " + name, self._timeouts.greeting)
        if reply.is_success:
            lines = (line.partition(" ") for line in reply.lines[1:])
            return {keyword.upper(): argument for keyword, _, argument in lines}
        if reply.code == 421:
            raise self._refused(reply)
        reply = await self._connection.command(b"HELO " + name, self._timeouts.greeting)
        if not reply.is_success:
            raise self._refused(reply)
        return {}

    async def _start_tls(self, context: ssl.SSLContext, features: dict[str, str]) -> dict[str, str]:
        try:
            reply = await self._connection.command(b"STARTTLS", self._timeouts.greeting)
            if not reply.is_success:
                if self._target.tls is not Tls.OPPORTUNISTIC:
                    raise self._refused(reply)
                self.channel = Channel.FALLEN_BACK
                return features
            if self._connection.failure:
                raise ConnectionLost(self._connection.failure)
            await self._connection.start_tls(context, self._target.name, self._timeouts.tls)
            self.channel = Channel.TLS
            # EHLO again: an attacker may have changed the extensions offered in clear (RFC 3207 section 4.2).
            # In TLS 1.3 its reply is also the first sign that the server took our side of the handshake.
            return await self._hello()
        except (OSError, ConnectionLost) as error:
            text = f"TLS handshake failed: {error}"
            raise AttemptFailed(
                unreachable("4.7.5", text, self._target.display_name), in_handshake=True
            ) from error

    async def _authenticate(self, credentials: Credentials, features: dict[str, str]) -> None:
        if self.channel is not Channel.TLS and not _is_loopback(self._target.address):
            raise self._unfit("4.7.11", "credentials are not sent without TLS")
        mechanisms = features.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            secret = _b64(f"\0{credentials.user}\0{credentials.password}")
            reply = await self._connection.command(b"AUTH PLAIN " + secret, self._timeouts.mail)
        elif "LOGIN" in mechanisms:
            reply = await self._connection.command(b"AUTH LOGIN", self._timeouts.mail)
            for answer in (credentials.user, credentials.password):
                if reply.code == 334:
                    reply = await self._connection.command(_b64(answer), self._timeouts.mail)
        else:
            raise self._unfit("4.7.4", "no way to authenticate is offered that we know")
        if not reply.is_success:
            raise self._refused(reply)

    def _unfit(self, status: str, text: str) -> AttemptFailed:
        return AttemptFailed(unreachable(status, text, self._target.display_name))

    def _refused(self, reply: Reply) -> AttemptFailed:
        """The failure for a refusal before MAIL, which concerns this host and not the recipients."""
        return AttemptFailed(
            judge(Stage.GREETING, reply.code, reply.status, reply.text, self._target.display_name)
        )


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _b64(text: str) -> bytes:
    return base64.b64encode(text.encode())
