"""Limits of concurrent calls, for each webhook, each organisation and in all, so that none starves others."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from server.webhooks.queue import CallKey, Claimed
from server.webhooks.store import WebhookKey

_MAX_REMEMBERED = 10_000
_FIRST_LIMIT = 2
# Calls claimed for each that may be in flight: enough to be busy until the next claim.
_CLAIMED_PER_SLOT = 6


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
    if many of them hang, the other half stays free for the others.
    """

    def __init__(self, concurrency: int, per_organisation: int, per_webhook: int) -> None:
        self._concurrency = concurrency
        self._per_organisation = per_organisation
        self._per_webhook = per_webhook
        self._webhooks: dict[WebhookKey, _State] = {}
        # Webhooks with waiting calls, in the order of their turns.
        self._ready: deque[WebhookKey] = deque()
        self._of_organisation: Counter[str] = Counter()
        self._waiting = 0
        self._in_flight = 0
        self._failing_in_flight = 0

    def capacity(self, key: WebhookKey) -> int:
        """The number of calls to claim for this webhook; 0 while enough of its own or in all wait."""
        if self._waiting >= 4 * self._concurrency:
            return 0
        state = self._webhooks.get(key)
        if state is None:
            return min(_FIRST_LIMIT, self._per_webhook) * _CLAIMED_PER_SLOT
        if not state.failing:
            enough = state.limit * _CLAIMED_PER_SLOT
            return enough - len(state.waiting) if len(state.waiting) <= enough // 2 else 0
        if self._failing_in_flight >= self._concurrency // 2:
            return 0
        return max(0, state.limit - state.in_flight - len(state.waiting))

    def add(self, calls: Iterable[Claimed]) -> None:
        """Adds claimed calls, in the order in which they are to be made."""
        for call in calls:
            key = (call.key.org_id, call.key.webhook_id)
            state = self._webhooks.get(key)
            if state is None:
                state = self._webhooks[key] = _State(min(_FIRST_LIMIT, self._per_webhook))
            if not state.waiting:
                self._ready.append(key)
            state.waiting.append(call)
            self._waiting += 1
        if len(self._webhooks) > _MAX_REMEMBERED:
            self._forget()

    def start(self) -> Iterator[Claimed]:
        """The calls that may be made now, webhooks taking turns; each is in flight from then on."""
        blocked: list[WebhookKey] = []
        while self._ready and self._in_flight < self._concurrency:
            key = self._ready.popleft()
            state = self._webhooks[key]
            if not self._may_start(key, state):
                blocked.append(key)
                continue
            call = state.waiting.popleft()
            if state.waiting:
                self._ready.append(key)
            self._waiting -= 1
            state.in_flight += 1
            self._in_flight += 1
            self._of_organisation[key[0]] += 1
            self._failing_in_flight += state.failing
            yield call
        self._ready.extendleft(reversed(blocked))

    def finish(self, key: CallKey, *, succeeded: bool | None) -> None:
        """Notes the end of a call that was started; with None the limit of the webhook stays as it is."""
        state = self._webhooks[key.org_id, key.webhook_id]
        self._failing_in_flight -= state.failing
        state.in_flight -= 1
        self._in_flight -= 1
        self._of_organisation[key.org_id] -= 1
        if not self._of_organisation[key.org_id]:
            del self._of_organisation[key.org_id]
        if succeeded is not None:
            # Its other calls in flight count by what the webhook is now, not by what it was at their start.
            self._failing_in_flight += state.in_flight * ((not succeeded) - state.failing)
            state.failing = not succeeded
            state.limit = min(state.limit + 1, self._per_webhook) if succeeded else max(1, state.limit // 2)

    def withdraw(self, webhook: WebhookKey) -> list[CallKey]:
        """Removes the calls of a webhook that were not started, and returns their keys."""
        waiting = self._webhooks[webhook].waiting
        keys = [call.key for call in waiting]
        if keys:
            waiting.clear()
            self._waiting -= len(keys)
            self._ready.remove(webhook)
        return keys

    def withdraw_all(self) -> list[CallKey]:
        """Removes all calls that were not started, and returns their keys."""
        return [key for webhook in list(self._ready) for key in self.withdraw(webhook)]

    def _may_start(self, key: WebhookKey, state: _State) -> bool:
        if state.in_flight >= state.limit or self._of_organisation[key[0]] >= self._per_organisation:
            return False
        return not state.failing or self._failing_in_flight < self._concurrency // 2

    def _forget(self) -> None:
        """Drops the limits of idle webhooks, to bound the memory: they begin with two again."""
        idle = [key for key, state in self._webhooks.items() if not state.waiting and not state.in_flight]
        for key in idle[: _MAX_REMEMBERED // 2]:
            del self._webhooks[key]
