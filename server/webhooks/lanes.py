"""How the calls in flight are shared out: a lane for each webhook, so that none can take what others need."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from server.webhooks.queue import CallKey, Claimed
from server.webhooks.store import Key

_MAX_REMEMBERED = 10_000
_FIRST_LIMIT = 2
# Claimed for each call that may be in flight: enough to be busy until the next claim.
_CLAIMED_PER_SLOT = 6


@dataclass(slots=True)
class _Lane:
    """What is known of one webhook: its claimed calls, and how many may be in flight."""

    limit: int
    waiting: deque[Claimed] = field(default_factory=deque)
    in_flight: int = 0
    failing: bool = False


class Lanes:
    """The claimed calls of this process, by webhook, and which of them may be made now.

    At most `concurrency` calls are in flight in all, `per_organisation` for one organisation, and
    `per_webhook` for one webhook. A webhook begins with two; each success adds one, each failure halves
    what it has, down to one call that probes it. Webhooks whose last call failed share half of the whole:
    however many of them hang, the other half stays free for those that answer.
    """

    def __init__(self, concurrency: int, per_organisation: int, per_webhook: int) -> None:
        self._concurrency = concurrency
        self._per_organisation = per_organisation
        self._per_webhook = per_webhook
        self._lanes: dict[Key, _Lane] = {}
        # Those with waiting calls, in the order in which they get their turns.
        self._ready: deque[Key] = deque()
        self._of_organisation: Counter[str] = Counter()
        self._waiting = 0
        self._in_flight = 0
        self._failing_in_flight = 0

    def room(self, key: Key) -> int:
        """How many more calls to claim for this webhook; 0 while enough of its own, or of all, wait here."""
        if self._waiting >= 4 * self._concurrency:
            return 0
        lane = self._lanes.get(key)
        if lane is None:
            return min(_FIRST_LIMIT, self._per_webhook) * _CLAIMED_PER_SLOT
        if not lane.failing:
            enough = lane.limit * _CLAIMED_PER_SLOT
            return enough - len(lane.waiting) if len(lane.waiting) <= enough // 2 else 0
        if self._failing_in_flight >= self._concurrency // 2:
            return 0
        return max(0, lane.limit - lane.in_flight - len(lane.waiting))

    def add(self, calls: Iterable[Claimed]) -> None:
        """Takes claimed calls in, in the order in which they are to be made."""
        for call in calls:
            key = (call.key.org_id, call.key.webhook_id)
            lane = self._lanes.get(key)
            if lane is None:
                lane = self._lanes[key] = _Lane(min(_FIRST_LIMIT, self._per_webhook))
            if not lane.waiting:
                self._ready.append(key)
            lane.waiting.append(call)
            self._waiting += 1
        if len(self._lanes) > _MAX_REMEMBERED:
            self._forget()

    def start(self) -> Iterator[Claimed]:
        """The calls that may be made now, webhooks taking turns; each is in flight from then on."""
        blocked: list[Key] = []
        while self._ready and self._in_flight < self._concurrency:
            key = self._ready.popleft()
            lane = self._lanes[key]
            if not self._may_start(key, lane):
                blocked.append(key)
                continue
            call = lane.waiting.popleft()
            if lane.waiting:
                self._ready.append(key)
            self._waiting -= 1
            lane.in_flight += 1
            self._in_flight += 1
            self._of_organisation[key[0]] += 1
            self._failing_in_flight += lane.failing
            yield call
        self._ready.extendleft(reversed(blocked))

    def finish(self, key: CallKey, *, succeeded: bool | None) -> None:
        """A call that was started has ended; None says nothing about the webhook."""
        lane = self._lanes[key.org_id, key.webhook_id]
        self._failing_in_flight -= lane.failing
        lane.in_flight -= 1
        self._in_flight -= 1
        self._of_organisation[key.org_id] -= 1
        if not self._of_organisation[key.org_id]:
            del self._of_organisation[key.org_id]
        if succeeded is not None:
            # Its other calls in flight count by what the webhook is now, not by what it was at their start.
            self._failing_in_flight += lane.in_flight * ((not succeeded) - lane.failing)
            lane.failing = not succeeded
            lane.limit = min(lane.limit + 1, self._per_webhook) if succeeded else max(1, lane.limit // 2)

    def withdraw(self, webhook: Key) -> list[CallKey]:
        """Takes out the calls of a webhook that were not started."""
        waiting = self._lanes[webhook].waiting
        keys = [call.key for call in waiting]
        if keys:
            waiting.clear()
            self._waiting -= len(keys)
            self._ready.remove(webhook)
        return keys

    def withdraw_all(self) -> list[CallKey]:
        """Takes out every call that was not started."""
        return [key for webhook in list(self._ready) for key in self.withdraw(webhook)]

    def _may_start(self, key: Key, lane: _Lane) -> bool:
        if lane.in_flight >= lane.limit or self._of_organisation[key[0]] >= self._per_organisation:
            return False
        return not lane.failing or self._failing_in_flight < self._concurrency // 2

    def _forget(self) -> None:
        """Bounds what is remembered of webhooks that have nothing to do: they begin anew."""
        idle = [key for key, lane in self._lanes.items() if not lane.waiting and not lane.in_flight]
        for key in idle[: _MAX_REMEMBERED // 2]:
            del self._lanes[key]
