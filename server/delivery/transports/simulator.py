"""Makes outcomes up: what becomes of mail that never leaves, by the recipient's local part (row F-5)."""

from collections import OrderedDict
from collections.abc import Mapping

from server.delivery.transport import CommitHooks, OutgoingMessage, Transport
from server.delivery.verdict import Outcome, Verdict
from server.queue.rules import SIMULATED

# How many recipients are remembered that were delayed once.
_MAX_DELAYED = 10_000
_HOST = "simulator"


def _outcome(verdict: Verdict, code: int, status: str, text: str) -> Outcome:
    return Outcome(verdict, code, status, text, _HOST, simulated=True)


_DELIVERED = _outcome(Verdict.DELIVERED, 250, "2.0.0", "simulated: the message was taken")
_DELAYED = _outcome(Verdict.DEFERRED, 451, "4.3.0", "simulated: not now, try again later")
_OUTCOMES = {
    "bounced": _outcome(Verdict.BOUNCED, 550, "5.1.1", "simulated: there is no such user"),
    "complained": _outcome(Verdict.COMPLAINED, 250, "2.0.0", "simulated: taken, and then reported as spam"),
    "suppressed": _outcome(Verdict.SUPPRESSED, 0, "5.7.1", "simulated: the address is suppressed"),
}


class Simulator:
    """Decides by the local part, without its `+label`: `delivered`, `bounced`, `complained`, `suppressed`, or
    `delayed`, which is delivered at the second attempt. Any other address takes everything.

    At a domain other than its own every address takes everything: test mail may have any recipients.
    """

    has_many_sites = False

    def __init__(self, domain: str, site_concurrency: int) -> None:
        self.site_concurrency = site_concurrency
        self._domain = domain
        self._delayed: OrderedDict[tuple[str, int], None] = OrderedDict()

    def site_of(self, domain: str) -> str:
        """See `Transport`."""
        return SIMULATED

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """See `Transport`. Nothing is sent, so there is no dot."""
        return {no: self._decide(message.email_id, no, address) for no, address in recipients.items()}

    async def close(self) -> None:
        """Nothing is left open."""

    def _decide(self, email_id: str, no: int, address: str) -> Outcome:
        local, _, domain = address.lower().rpartition("@")
        if domain != self._domain:
            return _DELIVERED
        what = local.partition("+")[0]
        if what == "delayed" and self._is_first(email_id, no):
            return _DELAYED
        return _OUTCOMES.get(what, _DELIVERED)

    def _is_first(self, email_id: str, no: int) -> bool:
        # Forgotten by a restart: then it is delayed once more.
        if self._delayed.pop((email_id, no), self) is None:
            return False
        self._delayed[email_id, no] = None
        if len(self._delayed) > _MAX_DELAYED:
            self._delayed.popitem(last=False)
        return True


class BesideSimulator:
    """A transport, and beside it the simulator for what must not leave."""

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
