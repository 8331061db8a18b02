"""Limits of concurrent calls, for each webhook, each organisation and in all, so that none starves others."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from server.turns import Shares
from server.webhooks.queue import CallKey, Claimed
from server.webhooks.store import WebhookKey

_MAX_REMEMBERED = 10_000
_FIRST_LIMIT = 2
# Calls claimed for each that may be in flight: enough to be busy until the next claim.
_CLAIMED_PER_SLOT = 6
# Calls that wait in this process, for each that may be in flight.
_WAITING_PER_SLOT = 4


@dataclass(slots=True)
class _State:
    """The claimed calls of one webhook that wait, and the limit of its calls in flight."""

    limit: int
    waiting: deque[Claimed] = field(default_factory=deque)
    in_flight: int = 0
    failing: bool = False


class ConcurrencyLimiter:
    """Holds the claimed calls of this process and starts those that the limits allow.

    At most `concurrency` calls are in flight in all, `per_organisation` for one organisation, and
    `per_webhook` for one webhook. A webhook begins with two; each success adds one, each failure halves
    its limit, down to one call that probes it. Webhooks whose last call failed share half of `concurrency`:
    if many of them hang, the other half stays free for the others. Organisations take turns, and the webhooks
    of each; of all that is shared, an organisation leaves some to the others (`server.turns`).
    """

    def __init__(self, concurrency: int, per_organisation: int, per_webhook: int) -> None:
        self._per_webhook = per_webhook
        self._webhooks: dict[WebhookKey, _State] = {}
        # Organisations with waiting calls, in the order of their turns, each with its webhooks in the order
        # of theirs.
        self._ready: OrderedDict[str, OrderedDict[WebhookKey, _State]] = OrderedDict()
        self._waiting = Shares(_WAITING_PER_SLOT * concurrency)
        self._in_flight = Shares(concurrency, most=per_organisation)
        self._failing = Shares(max(1, concurrency // 2))

    def capacity(self, key: WebhookKey) -> int:
        """The number of calls to claim for this webhook; 0 while enough of its own or in all wait."""
        return min(self._wanted(key), self._waiting.room(key[0]))

    def _wanted(self, key: WebhookKey) -> int:
        state = self._webhooks.get(key)
        if state is None:
            return min(_FIRST_LIMIT, self._per_webhook) * _CLAIMED_PER_SLOT
        if not state.failing:
            enough = state.limit * _CLAIMED_PER_SLOT
            return enough - len(state.waiting) if len(state.waiting) <= enough // 2 else 0
        if not self._failing.fits(key[0]):
            return 0
        return max(0, state.limit - state.in_flight - len(state.waiting))

    def add(self, calls: Iterable[Claimed]) -> None:
        """Adds claimed calls, in the order in which they are to be made."""
        for call in calls:
            key = (call.key.org_id, call.key.webhook_id)
            state = self._webhooks.get(key)
            if state is None:
                state = self._webhooks[key] = _State(min(_FIRST_LIMIT, self._per_webhook))
            self._ready.setdefault(key[0], OrderedDict()).setdefault(key, state)
            state.waiting.append(call)
            self._waiting.take(key[0])
        if len(self._webhooks) > _MAX_REMEMBERED:
            self._forget()

    def start(self) -> Iterator[Claimed]:
        """The calls that may be made now; each is in flight from then on."""
        while (key := self._next()) is not None:
            org_id, state = key[0], self._webhooks[key]
            call = state.waiting.popleft()
            self._waiting.give_back(org_id)
            if state.waiting:
                self._ready[org_id].move_to_end(key)
                self._ready.move_to_end(org_id)
            else:
                self._sort_out(key)
                if org_id in self._ready:
                    self._ready.move_to_end(org_id)
            state.in_flight += 1
            self._in_flight.take(org_id)
            if state.failing:
                self._failing.take(org_id)
            yield call

    def finish(self, key: CallKey, *, succeeded: bool | None) -> None:
        """Notes the end of a call that was started; with None the limit of the webhook stays as it is."""
        state = self._webhooks[key.org_id, key.webhook_id]
        if state.failing:
            self._failing.give_back(key.org_id)
        state.in_flight -= 1
        self._in_flight.give_back(key.org_id)
        if succeeded is None:
            return
        # Its other calls in flight count by what the webhook is now, not by what it was at their start.
        if succeeded is state.failing and state.in_flight:
            move = self._failing.give_back if succeeded else self._failing.take
            move(key.org_id, state.in_flight)
        state.failing = not succeeded
        state.limit = min(state.limit + 1, self._per_webhook) if succeeded else max(1, state.limit // 2)

    def withdraw(self, webhook: WebhookKey) -> list[CallKey]:
        """Removes the calls of a webhook that were not started, and returns their keys."""
        waiting = self._webhooks[webhook].waiting
        keys = [call.key for call in waiting]
        if keys:
            waiting.clear()
            self._waiting.give_back(webhook[0], len(keys))
            self._sort_out(webhook)
        return keys

    def withdraw_all(self) -> list[CallKey]:
        """Removes all calls that were not started, and returns their keys."""
        ready = [webhook for webhooks in self._ready.values() for webhook in webhooks]
        return [key for webhook in ready for key in self.withdraw(webhook)]

    def _next(self) -> WebhookKey | None:
        """The webhook whose turn it is."""
        if not self._in_flight.free:
            return None
        for org_id, webhooks in self._ready.items():
            if self._in_flight.fits(org_id):
                for key, state in webhooks.items():
                    if self._may_start(org_id, state):
                        return key
        return None

    def _may_start(self, org_id: str, state: _State) -> bool:
        return state.in_flight < state.limit and (not state.failing or self._failing.fits(org_id))

    def _sort_out(self, webhook: WebhookKey) -> None:
        """Ends the turns of a webhook, as no call waits."""
        webhooks = self._ready[webhook[0]]
        del webhooks[webhook]
        if not webhooks:
            del self._ready[webhook[0]]

    def _forget(self) -> None:
        """Drops the limits of idle webhooks, to bound the memory: they begin with two again."""
        idle = [key for key, state in self._webhooks.items() if not state.waiting and not state.in_flight]
        for key in idle[: _MAX_REMEMBERED // 2]:
            del self._webhooks[key]
