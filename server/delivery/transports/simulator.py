"""Simulates outcomes for mail that is never sent, by the recipient's local part (contract row F-5)."""

from collections.abc import Mapping

from server.delivery.transport import CommitHooks, OutgoingMessage, Transport
from server.delivery.verdict import Outcome, Stage, Verdict
from server.newest import Newest
from server.queue.rules import SIMULATED

# The most delayed recipients that are remembered.
_MAX_DELAYED = 10_000
_HOST = "simulator"


def _outcome(verdict: Verdict, code: int, status: str, text: str) -> Outcome:
    return Outcome(verdict, code, status, text, _HOST, simulated=True, stage=Stage.RCPT)


_DELIVERED = _outcome(Verdict.DELIVERED, 250, "2.0.0", "simulated: the message was taken")
_DELAYED = _outcome(Verdict.DEFERRED, 451, "4.3.0", "simulated: not now, try again later")
_OUTCOMES = {
    "bounced": _outcome(Verdict.BOUNCED, 550, "5.1.1", "simulated: there is no such user"),
    "complained": _outcome(Verdict.COMPLAINED, 250, "2.0.0", "simulated: taken, and then reported as spam"),
    "suppressed": _outcome(Verdict.SUPPRESSED, 0, "5.7.1", "simulated: the address is suppressed"),
}


class Simulator:
    """Decides by the local part, without its `+label`: `delivered`, `bounced`, `complained`, `suppressed`, or
    `delayed`, which is delivered at the second attempt. Mail to any other local part is delivered.

    Mail to another domain than `domain` is delivered: test mail may have any recipients.
    """

    has_many_sites = False

    def __init__(self, domain: str, site_concurrency: int) -> None:
        self.site_concurrency = site_concurrency
        self._domain = domain
        self._delayed: Newest[tuple[str, int], None] = Newest(_MAX_DELAYED)

    def site_of(self, domain: str) -> str:
        """See `Transport`."""
        return SIMULATED

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """See `Transport`. There is no dot, so no hook for it is called."""
        refused = await hooks.before_mail(tuple(recipients))
        return {
            no: refused.get(no) or self._decide(message.email_id, no, address)
            for no, address in recipients.items()
        }

    async def close(self) -> None:
        """See `Transport`. There is nothing to close."""

    def _decide(self, email_id: str, no: int, address: str) -> Outcome:
        local, _, domain = address.lower().rpartition("@")
        if domain != self._domain:
            return _DELIVERED
        local = local.partition("+")[0]
        if local == "delayed" and self._is_first(email_id, no):
            return _DELAYED
        return _OUTCOMES.get(local, _DELIVERED)

    def _is_first(self, email_id: str, no: int) -> bool:
        # Not stored: after a restart the recipient is delayed once more.
        if self._delayed.pop((email_id, no), self) is None:
            return False
        self._delayed.keep((email_id, no), None)
        return True


class WithSimulator:
    """A transport, with the simulator for mail that must not be sent."""

    def __init__(self, real: Transport, simulator: Simulator, domain: str) -> None:
        self._real = real
        self._simulator = simulator
        self._kept = frozenset((SIMULATED, domain))
        self.site_concurrency = real.site_concurrency
        self.has_many_sites = real.has_many_sites

    def site_of(self, domain: str) -> str:
        """See `Transport`."""
        return SIMULATED if domain in self._kept else self._real.site_of(domain)

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """See `Transport`."""
        transport = self._simulator if site == SIMULATED else self._real
        return await transport.deliver(message, recipients, site, hooks)

    async def close(self) -> None:
        """See `Transport`."""
        await self._real.close()
