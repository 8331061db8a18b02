"""One AUTH: the exchange with the client, the pause after failures, and the question to the server."""

from __future__ import annotations

import math

from edge.client_ip import ClientIp
from edge.smtp.authentication import exchange
from edge.smtp.backoff import Backoff
from edge.smtp.replies import NO_SMTP, Refusal, Reply, auth_reply, refusal
from edge.smtp.send import Account, Server
from edge.transcoding.asgi import new_id
from edge.transcoding.invoke import Caller
from edge.transcoding.status import Failure

_REFUSED = 535


class Login:
    """An AUTH that has begun. `id` is the id of its call."""

    def __init__(self, argument: str, server: Server, backoff: Backoff, client: ClientIp) -> None:
        """`argument` is that of AUTH."""
        self._exchange = exchange(argument)
        self._server = server
        self._backoff = backoff
        self._client = client
        self._credential = ""
        self._refused: Refusal | None = None
        self.id = new_id()

    def step(self, response: bytes | None) -> Reply | None:
        """The reply to what the client says, None at first; None when it has said all. Raises Refusal."""
        try:
            return next(self._exchange) if response is None else self._exchange.send(response)
        except StopIteration as end:
            self._credential = end.value
        except Refusal as refused:
            if refused.reply.code != _REFUSED:
                raise
            self._refused = refused
        return None

    async def account(self) -> Account:
        """The account of the credential. Raises Refusal (454, 535)."""
        network = self._client.network
        if pause_s := self._backoff.pause_s(network, self._credential):
            raise refusal(
                454, "4.7.0", f"Too many failed authentications: try again in {math.ceil(pause_s)} seconds."
            )
        if self._refused is not None:
            self._backoff.failed(network, "")
            raise self._refused
        try:
            account = await self._server.account(
                Caller(self._credential, self.id, deadline=0, client=self._client.address)
            )
        except Failure as failure:
            reply = auth_reply(failure, self.id)
            if reply.code == _REFUSED:
                self._backoff.failed(network, self._credential)
            raise Refusal(reply) from None
        self._backoff.succeeded(network, self._credential)
        if not account.has_smtp:
            raise Refusal(NO_SMTP)
        return account
