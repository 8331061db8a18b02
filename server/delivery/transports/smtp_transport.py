"""Delivery by SMTP to the hosts of a site; the subclasses know the hosts."""

import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from server.delivery.route import NoRoute
from server.delivery.smtp.answers import Answers, FirstHosts, is_same_host, others_first
from server.delivery.smtp.handshake import connect
from server.delivery.smtp.pool import IDLE_S, Pool
from server.delivery.smtp.session import Session
from server.delivery.smtp.silence import Silence
from server.delivery.smtp.target import AttemptFailed, Target, Timeouts, Tls
from server.delivery.transport import CommitHooks, OutgoingMessage
from server.delivery.verdict import Outcome, unreachable
from server.net.descriptors import Exhausted, is_exhaustion

_UNTRIED = unreachable("4.4.1", "no host of the site could be reached")
# The time limits of a host while other hosts of the site are left (seconds).
_CONNECT_S = 10.0
_GREETING_S = 30.0
# The idle sessions that are ended when no descriptor is left.
_ENDED_AT_ONCE = 32
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One attempt: its message, the key of the sessions that it may use, and the answers so far."""

    message: OutgoingMessage
    pool_key: str
    hooks: CommitHooks
    answers: Answers


class SmtpTransport(ABC):
    """Delivers over pooled sessions; tries the hosts of a site in turn until one decides."""

    has_many_sites: bool

    def __init__(
        self,
        hostname: str,
        site_concurrency: int,
        timeouts: Timeouts | None = None,
        verified: ssl.SSLContext | None = None,
        idle_s: float = IDLE_S,
    ) -> None:
        self.site_concurrency = site_concurrency
        self._hostname = hostname
        self._timeouts = timeouts or Timeouts()
        self._verified = verified or ssl.create_default_context()
        self._unverified = ssl.create_default_context()
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE
        self._pool = Pool(idle_s)
        self._first_hosts = FirstHosts()
        self.silence = Silence()

    @abstractmethod
    def site_of(self, domain: str) -> str:
        """See `Transport`."""

    @abstractmethod
    async def targets(self, site: str) -> Sequence[Target]:
        """The hosts of a site in the order in which to try them, at least one. Raises `NoRoute`."""

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """See `Transport`. Recipients that a host defers are offered to the next one at once."""
        answers = Answers(recipients)
        # Separate sessions: a message that needs TLS must not go over a connection in clear.
        pool_key = f"{site} encrypted" if message.needs_tls else site
        delivery = _Delivery(message, pool_key, hooks, answers)
        last = self._first_hosts.last(message, recipients)
        asked = await self._over_idle_session(delivery, last)
        if not answers.left:
            outcomes = answers.result(_UNTRIED)
            self._first_hosts.note(message, outcomes, None)
            return outcomes
        try:
            targets = others_first(await self.targets(site), last)
        except NoRoute as none:
            return answers.result(none.outcome)
        for number, target in enumerate(targets):
            if not answers.left:
                break
            if is_same_host(target, asked):
                continue
            fit = _fit_for(message, target)
            try:
                session = await self._connect(fit, others_left=number + 1 < len(targets))
                await self._send(session, fit, delivery)
            except AttemptFailed as failed:
                answers.add({**dict.fromkeys(answers.left, failed.outcome), **failed.decided})
        outcomes = answers.result(_UNTRIED)
        self._first_hosts.note(message, outcomes, (asked or targets[0]) if len(targets) > 1 else None)
        return outcomes

    async def _over_idle_session(self, delivery: "_Delivery", last: Target | None) -> Target | None:
        """Sends over an idle session, if there is one to another host than `last`; the host that answered."""
        session = self._pool.take(delivery.pool_key)
        if session is None:
            return None
        if is_same_host(session.target, last):
            self._pool.put(delivery.pool_key, session)
            return None
        try:
            await self._send(session, session.target, delivery)
        except AttemptFailed as failed:
            # The server has probably closed the idle session; a new one to the same host may succeed.
            delivery.answers.add(failed.decided)
            return None
        return session.target

    async def _send(self, session: Session, target: Target, delivery: "_Delivery") -> None:
        """Sends to the recipients that are left, in as many transactions as the host wants.

        Raises `AttemptFailed`. A host may close the connection after each transaction.
        """
        answers = delivery.answers
        rest = dict(answers.left)
        has_progress = False
        while rest:
            try:
                sent = await session.send(delivery.message, rest, delivery.hooks)
            except AttemptFailed as failed:
                if not has_progress:
                    raise
                answers.add(failed.decided)
                rest = {no: address for no, address in rest.items() if no not in failed.decided}
                session = await self._connect(target, others_left=True)
                has_progress = False
                continue
            answers.add(sent.outcomes)
            rest = {no: rest[no] for no in sent.rest}
            has_progress = True
        self._pool.put(delivery.pool_key, session)

    async def close(self) -> None:
        """See `Transport`."""
        self._pool.close()

    async def _connect(self, target: Target, *, others_left: bool) -> Session:
        timeouts = self._timeouts
        if others_left:
            timeouts = replace(
                timeouts,
                connect=min(_CONNECT_S, timeouts.connect),
                greeting=min(_GREETING_S, timeouts.greeting),
            )
        verified = target.tls in (Tls.REQUIRED, Tls.IMPLICIT)
        try:
            return await self._open(target, self._verified if verified else self._unverified, timeouts)
        except AttemptFailed as failed:
            if not failed.in_handshake or target.tls is not Tls.OPPORTUNISTIC:
                raise
            # Opportunistic TLS: mail in clear is better than no mail (RFC 7435 section 3).
            _log.warning(
                "STARTTLS failed; the host is tried in clear", host=target.display_name, reason=str(failed)
            )
            return await self._open(replace(target, tls=Tls.NONE), self._unverified, timeouts)

    async def _open(self, target: Target, context: ssl.SSLContext, timeouts: Timeouts) -> Session:
        """A new session. Raises `AttemptFailed`, and `Exhausted` if this machine has no socket for it."""
        try:
            with self.silence.watching(target, timeouts):
                return await connect(target, self._hostname, context, timeouts)
        except AttemptFailed as failed:
            if not is_exhaustion(failed.__cause__, target.address):
                raise
            self._pool.end_oldest(_ENDED_AT_ONCE)
            raise Exhausted(str(failed)) from failed


def _fit_for(message: OutgoingMessage, target: Target) -> Target:
    """The target with the protection that this message needs."""
    if message.needs_tls and target.tls is Tls.OPPORTUNISTIC:
        return replace(target, tls=Tls.ENCRYPTED)
    return target
