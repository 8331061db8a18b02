"""Answers registrations and password resets by mail, in the background.

A call only stores its request, so that its answer and its work are the same for every address. The decision
about the request follows here: the token, its mail and the record of it are one transaction.
"""

from collections.abc import Sequence
from typing import Protocol

from server.accounts import request_store, store
from server.accounts.letters import Letters, SystemEmail
from server.accounts.one_time_tokens import new_token
from server.accounts.request_store import Kind, Mailed, RequestRow
from server.clock import Clock
from server.db.tx import Tx
from server.db.writer import Writer
from server.work.loop import Loop
from server.work.notifier import Notifier

_BATCH = 50
_PAUSE_S = 1.0
# Links of one kind for one address in a time: who wants to annoy others finds a limit.
MAX_LINKS = 3
_LINKS_MS = 3_600_000
# The most open organisations of a person who makes another one by a link.
MAX_OWNED = 10


class Mailer(Protocol):
    """Sends mail of the platform itself."""

    def write(self, tx: Tx, mails: Sequence[SystemEmail], now_ms: int) -> None:
        """Accepts the mails as a part of this transaction; one that is refused is logged."""

    def written(self) -> None:
        """Lets what was committed be delivered."""


class RequestMailing:
    """Writes the mails of new requests; a service."""

    def __init__(
        self, writer: Writer, clock: Clock, mailer: Mailer, letters: Letters, requested: Notifier
    ) -> None:
        """`requested` is notified after a request was stored."""
        self._writer = writer
        self._clock = clock
        self._mailer = mailer
        self._letters = letters
        self._loop = Loop("accounts.mailing", self.step, pause_s=_PAUSE_S)
        requested.subscribe(self._loop.wake)

    async def start(self) -> None:
        """Begins to look for requests."""
        self._loop.start()

    async def stop(self) -> None:
        """Finishes the mails in progress."""
        await self._loop.stop()

    async def step(self) -> bool:
        """Writes the mails of some requests; True if more may wait."""
        count = await self._writer.run(self._write, self._clock.now_ms())
        if count:
            self._mailer.written()
        return count == _BATCH

    def _write(self, tx: Tx, now_ms: int) -> int:
        requests = request_store.unmailed(tx, _BATCH)
        if not requests:
            return 0
        emails = {request.email for request in requests}
        known = store.owned_counts(tx, emails)
        links = request_store.links_since(tx, emails, now_ms - _LINKS_MS)
        mails: list[SystemEmail] = []
        mailed: list[Mailed] = []
        for request in requests:
            key: tuple[str, Kind] = (request.email, request.kind)
            token_hash = None
            if links.get(key, 0) < MAX_LINKS:
                mail, token_hash = self._answer(request, known.get(request.email))
                links[key] = links.get(key, 0) + 1
                mails += [] if mail is None else [mail]
            mailed.append(Mailed(request.id, token_hash))
        request_store.record_mails(tx, mailed, now_ms)
        self._mailer.write(tx, mails, now_ms)
        return len(requests)

    def _answer(self, request: RequestRow, owned: int | None) -> tuple[SystemEmail | None, bytes | None]:
        """The mail that answers a request, and the hash of the token in it; None for none.

        `owned` is the number of organisations that the user owns, None for an unknown address.
        """
        token = new_token(request.id)
        match request.kind, owned:
            case "register", None:
                return self._letters.confirmation(request.email, token.text), token.hash
            case "register", int(count) if count < MAX_OWNED:
                return self._letters.already_registered(request.email, token.text), token.hash
            case "register", int():
                return self._letters.already_registered(request.email, None), None
            case "reset", int():
                return self._letters.password_reset(request.email, token.text), token.hash
        return None, None
