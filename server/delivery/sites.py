"""A fair queue of jobs by site: sites take turns, and none exceeds its limit of deliveries at once.

A site is slow or dead without our fault or its customers', and there may be many such sites. So the slots,
the deliveries that may run at once, are shared by what is known of a site: sites that answer may use all of
them, new ones most, and sites that said nothing at their last delivery a few.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from server.delivery.transport import OutgoingMessage
from server.queue.rows import Claimed

# A site whose oldest job has waited longer (seconds) may have to make room for others. It is given no more
# for twice that time, within these bounds.
_PATIENCE_S = 1.0
_SHORTEST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0
# The deliveries at once to a site that never answered. Each that it answers allows one more.
_AT_FIRST = 2
# The parts of the slots that are kept for sites that answer, and that silent sites may use.
_PART_KEPT = 4
_PART_OF_SILENT = 8
# Sites without a job that are remembered.
_MAX_REMEMBERED = 10_000


class _Standing(Enum):
    """The knowledge of a site."""

    ANSWERS = "answers"
    NEW = "new"
    SILENT = "silent"


@dataclass(slots=True)
class Job:
    """One message for recipients of one site, by their numbers in the envelope."""

    letter: OutgoingMessage
    site: str
    accepted_at: int
    # True if the email has no other recipient.
    alone: bool
    rows: dict[int, Claimed]
    addresses: dict[int, str]
    # When it was last read whether its recipients may be sent to (seconds).
    cleared_at: float = 0.0


@dataclass(slots=True)
class _Site:
    name: str
    limit: int
    standing: _Standing = _Standing.NEW
    # Jobs, and when each was added.
    jobs: deque[tuple[Job, float]] = field(default_factory=deque)
    running: int = 0
    # It keeps `kept` waiting jobs until then, and gets no more.
    slow_until: float = 0.0
    kept: int = 0
    answered_at: float = 0.0

    @property
    def is_ready(self) -> bool:
        return bool(self.jobs) and self.running < self.limit


class Sites:
    """The jobs that wait, and how many deliveries run to each site. Times are seconds of one clock.

    At most `slots` deliveries run at once, and at most `limit` to one site.
    """

    def __init__(self, limit: int, slots: int, at_first: int = _AT_FIRST) -> None:
        self._limit = limit
        self._at_first = min(limit, at_first)
        self._slots = slots
        self._sites: OrderedDict[str, _Site] = OrderedDict()
        # Sites that have a job and room for it, by standing, in the order of their turns.
        self._ready: dict[_Standing, OrderedDict[str, _Site]] = {each: OrderedDict() for each in _Standing}
        self._running = dict.fromkeys(_Standing, 0)
        self._turns = deque(_Standing)

    @property
    def is_full(self) -> bool:
        """True if a site that may answer waits because of others: for a slot, not for its own limit."""
        return bool(self._ready[_Standing.ANSWERS] or self._ready[_Standing.NEW])

    def add(self, job: Job, now: float) -> None:
        """Puts a job behind the others of its site."""
        site = self._sites.get(job.site)
        if site is None:
            site = self._sites[job.site] = _Site(job.site, self._at_first)
            self._forget_some()
        self._sites.move_to_end(job.site)
        site.jobs.append((job, now))
        self._sort_in(site)

    def begin(self) -> Job | None:
        """The job to begin now, from the site whose turn it is; None if nothing may begin."""
        for standing in tuple(self._turns):
            ready = self._ready[standing]
            if not ready or not self._has_slot(standing):
                continue
            self._turns.remove(standing)
            self._turns.append(standing)
            _, site = ready.popitem(last=False)
            job, _ = site.jobs.popleft()
            site.running += 1
            self._running[standing] += 1
            self._sort_in(site)
            return job
        return None

    def end(self, job: Job, *, answered: bool | None, began_at: float, now: float) -> None:
        """A job that was begun has ended; `answered` is None if its site was not spoken to.

        A delivery without an answer does not count if the site answered another meanwhile.
        """
        site = self._sites[job.site]
        if answered:
            site.answered_at = now
            site.limit = min(self._limit, site.limit + 1)
            self._change(site, _Standing.ANSWERS)
        elif answered is not None and site.answered_at < began_at:
            site.limit = 1
            self._change(site, _Standing.SILENT)
        site.running -= 1
        self._running[site.standing] -= 1
        self._sort_in(site)

    def shed(self, keep: int, now: float) -> list[tuple[Job, float]]:
        """Takes waiting jobs out so that slow sites keep `keep` together: every job, and the seconds for
        which to put it off.

        Otherwise the queues of sites that are slow or dead would take all room, and all others would wait.
        """
        slow = [site for site in self._sites.values() if site.jobs and now - site.jobs[0][1] > _PATIENCE_S]
        share = max(1, keep // max(1, len(slow)))
        taken: list[tuple[Job, float]] = []
        for site in slow:
            pause = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, 2 * (now - site.jobs[0][1])))
            site.kept = min(share, keep)
            keep -= min(site.kept, len(site.jobs))
            if len(site.jobs) > site.kept:
                site.slow_until = now + pause
            while len(site.jobs) > site.kept:
                taken.append((site.jobs.pop()[0], pause))
            self._sort_in(site)
        return taken

    def pause(self, name: str, now: float) -> float:
        """The seconds for which a further job of this site must be put off, as it is slow; 0 for none."""
        site = self._sites.get(name)
        return max(0.0, site.slow_until - now) if site is not None and len(site.jobs) >= site.kept else 0.0

    def clear(self) -> list[Job]:
        """Takes out all jobs that were not begun."""
        jobs = [job for site in self._sites.values() for job, _ in site.jobs]
        for site in self._sites.values():
            site.jobs.clear()
            self._sort_in(site)
        return jobs

    def _has_slot(self, standing: _Standing) -> bool:
        running, silent = sum(self._running.values()), self._running[_Standing.SILENT]
        match standing:
            case _Standing.ANSWERS:
                return running < self._slots
            case _Standing.NEW:
                unsure = silent + self._running[_Standing.NEW]
                return running < self._slots and unsure < max(1, self._slots - self._slots // _PART_KEPT)
            case _Standing.SILENT:
                return running < self._slots and silent < max(1, self._slots // _PART_OF_SILENT)

    def _change(self, site: _Site, standing: _Standing) -> None:
        if site.standing is not standing:
            self._ready[site.standing].pop(site.name, None)
            self._running[site.standing] -= site.running
            self._running[standing] += site.running
            site.standing = standing

    def _sort_in(self, site: _Site) -> None:
        """Gives a site its turn, behind the others, as soon as it is ready."""
        ready = self._ready[site.standing]
        if not site.is_ready:
            ready.pop(site.name, None)
        else:
            ready.setdefault(site.name, site)

    def _forget_some(self) -> None:
        """Forgets the sites that have had no job for longest."""
        for site in self._oldest():
            if site.jobs or site.running:
                self._sites.move_to_end(site.name)
            else:
                del self._sites[site.name]

    def _oldest(self) -> Iterator[_Site]:
        for _ in range(min(2, len(self._sites) - _MAX_REMEMBERED)):
            yield next(iter(self._sites.values()))
