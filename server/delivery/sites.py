"""A fair queue of jobs: organisations take turns, the sites of each take turns, and none exceeds its limits.

A site is slow or dead without our fault or its customers', and there may be many such sites. So the slots,
the deliveries that may run at once, are shared by what is known of a site: sites that answer may use all of
them, new ones most, and sites that said nothing at their last delivery a few. Of each of these parts an
organisation has a share, so that the mail of another always finds a slot.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import TypeAlias

from server.delivery.transport import OutgoingMessage
from server.queue.rows import Claimed
from server.turns import Shares

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

    @property
    def org_id(self) -> str:
        """The organisation that sends it."""
        return self.letter.org_id


# The jobs of one organisation that wait for one site, and when each was added.
_Line: TypeAlias = deque[tuple[Job, float]]


@dataclass(slots=True)
class _Site:
    name: str
    limit: int
    standing: _Standing = _Standing.NEW
    # The organisations with waiting jobs, in the order of their turns.
    lines: OrderedDict[str, _Line] = field(default_factory=OrderedDict)
    running: Counter[str] = field(default_factory=Counter)
    # The organisations that get no more jobs here until a time, while as many wait as they keep.
    slow: dict[str, tuple[float, int]] = field(default_factory=dict)
    answered_at: float = 0.0

    @property
    def is_ready(self) -> bool:
        return self.running.total() < self.limit


class _Slots:
    """The slots of deliveries, and the parts of them for sites that are not known to answer."""

    def __init__(self, slots: int) -> None:
        every = Shares(slots)
        unsure = Shares(max(1, slots - slots // _PART_KEPT))
        silent = Shares(max(1, slots // _PART_OF_SILENT))
        self._parts = {
            _Standing.ANSWERS: (every,),
            _Standing.NEW: (every, unsure),
            _Standing.SILENT: (every, unsure, silent),
        }

    def has_any(self, standing: _Standing) -> bool:
        """True if there is a slot for sites of this standing."""
        return all(part.free > 0 for part in self._parts[standing])

    def fits(self, standing: _Standing, org_id: str) -> bool:
        """True if the organisation may have a slot for a site of this standing."""
        return all(part.fits(org_id) for part in self._parts[standing])

    def take(self, standing: _Standing, org_id: str, count: int = 1) -> None:
        """Uses slots."""
        for part in self._parts[standing]:
            part.take(org_id, count)

    def give_back(self, standing: _Standing, org_id: str, count: int = 1) -> None:
        """Ends the use of slots."""
        for part in self._parts[standing]:
            part.give_back(org_id, count)


class Sites:
    """The jobs that wait, and how many deliveries run to each site. Times are seconds of one clock.

    At most `slots` deliveries run at once, and at most `limit` to one site.
    """

    def __init__(self, limit: int, slots: int, at_first: int = _AT_FIRST) -> None:
        self._limit = limit
        self._at_first = min(limit, at_first)
        self._slots = _Slots(slots)
        self._sites: OrderedDict[str, _Site] = OrderedDict()
        # By standing: the organisations that have jobs for sites with room, in the order of their turns, each
        # with these sites in the order of theirs.
        self._ready: dict[_Standing, OrderedDict[str, OrderedDict[str, _Site]]] = {
            each: OrderedDict() for each in _Standing
        }
        self._turns = deque(_Standing)

    @property
    def is_full(self) -> bool:
        """True if a site that may answer waits because of others: for a slot, not for its own limit."""
        return bool(self._ready[_Standing.ANSWERS] or self._ready[_Standing.NEW])

    def add(self, job: Job, now: float) -> None:
        """Puts a job behind the others of its organisation and site."""
        site = self._sites.get(job.site)
        if site is None:
            site = self._sites[job.site] = _Site(job.site, self._at_first)
            self._forget_some()
        self._sites.move_to_end(job.site)
        site.lines.setdefault(job.org_id, deque()).append((job, now))
        self._sort_in(site, [job.org_id])

    def begin(self) -> Job | None:
        """The job to begin now: of the organisation whose turn it is, for the site whose turn it is there.

        None if nothing may begin.
        """
        for standing in tuple(self._turns):
            if not self._ready[standing] or not self._slots.has_any(standing):
                continue
            for org_id, sites in self._ready[standing].items():
                if self._slots.fits(standing, org_id):
                    self._turns.remove(standing)
                    self._turns.append(standing)
                    return self._begun(org_id, next(iter(sites.values())))
        return None

    def _begun(self, org_id: str, site: _Site) -> Job:
        line = site.lines.pop(org_id)
        job, _ = line.popleft()
        if line:
            # Its next turn at this site comes after those of the others.
            site.lines[org_id] = line
        self._sort_out(site, [org_id])
        site.running[org_id] += 1
        self._slots.take(site.standing, org_id)
        self._sort_in(site, [org_id] if site.is_ready else list(site.lines))
        ready = self._ready[site.standing]
        if org_id in ready:
            ready.move_to_end(org_id)
        return job

    def end(self, job: Job, *, answered: bool | None, began_at: float, now: float) -> None:
        """A job that was begun has ended; `answered` is None if its site was not spoken to.

        A delivery without an answer does not count if the site answered another meanwhile.
        """
        site = self._sites[job.site]
        was_ready = site.is_ready
        if answered:
            site.answered_at = now
            site.limit = min(self._limit, site.limit + 1)
            self._change(site, _Standing.ANSWERS)
        elif answered is not None and site.answered_at < began_at:
            site.limit = 1
            self._change(site, _Standing.SILENT)
        site.running[job.org_id] -= 1
        if not site.running[job.org_id]:
            del site.running[job.org_id]
        self._slots.give_back(site.standing, job.org_id)
        if site.is_ready != was_ready:
            self._sort_in(site, list(site.lines))

    def shed(self, keep: int, now: float) -> list[tuple[Job, float]]:
        """Takes waiting jobs out so that slow sites keep `keep` together: every job, and the seconds for
        which to put it off.

        Otherwise the queues of sites that are slow or dead would take all room, and all others would wait.
        """
        slow = [
            (len(line), now - line[0][1], site, org_id)
            for site in self._sites.values()
            for org_id, line in site.lines.items()
            if now - line[0][1] > _PATIENCE_S
        ]
        share = max(1, keep // max(1, len(slow)))
        taken: list[tuple[Job, float]] = []
        # Of two sites the slower one is that with more mail, or whose mail has waited longer.
        for _, waited_s, site, org_id in sorted(slow, key=itemgetter(0, 1)):
            pause = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, 2 * waited_s))
            line, kept = site.lines[org_id], min(share, keep)
            keep -= min(kept, len(line))
            site.slow = {other: until for other, until in site.slow.items() if until[0] > now}
            if len(line) > kept:
                site.slow[org_id] = now + pause, kept
            while len(line) > kept:
                taken.append((line.pop()[0], pause))
            if not line:
                del site.lines[org_id]
                self._sort_out(site, [org_id])
        return taken

    def pause(self, name: str, org_id: str, now: float) -> float:
        """The seconds for which a further job of an organisation must be put off, as its site is slow; 0 for
        none."""
        site = self._sites.get(name)
        if site is None or org_id not in site.slow:
            return 0.0
        until, kept = site.slow[org_id]
        return max(0.0, until - now) if len(site.lines.get(org_id, ())) >= kept else 0.0

    def clear(self) -> list[Job]:
        """Takes out all jobs that were not begun."""
        jobs = []
        for site in self._sites.values():
            jobs += [job for line in site.lines.values() for job, _ in line]
            self._sort_out(site, list(site.lines))
            site.lines.clear()
        return jobs

    def _change(self, site: _Site, standing: _Standing) -> None:
        if site.standing is standing:
            return
        self._sort_out(site, list(site.lines))
        for org_id, count in site.running.items():
            self._slots.give_back(site.standing, org_id, count)
            self._slots.take(standing, org_id, count)
        site.standing = standing
        self._sort_in(site, list(site.lines))

    def _sort_in(self, site: _Site, org_ids: Iterable[str]) -> None:
        """Gives a site its turns among those of these organisations, behind the others, if it is ready."""
        ready = self._ready[site.standing]
        for org_id in org_ids:
            if not site.is_ready:
                self._sort_out(site, [org_id])
            elif org_id in site.lines:
                ready.setdefault(org_id, OrderedDict()).setdefault(site.name, site)

    def _sort_out(self, site: _Site, org_ids: Iterable[str]) -> None:
        """Ends the turns of a site among those of these organisations."""
        ready = self._ready[site.standing]
        for org_id in org_ids:
            sites = ready.get(org_id)
            if sites is not None and sites.pop(site.name, None) is not None and not sites:
                del ready[org_id]

    def _forget_some(self) -> None:
        """Forgets the sites that have had no job for longest."""
        for site in self._oldest():
            if site.lines or site.running:
                self._sites.move_to_end(site.name)
            else:
                del self._sites[site.name]

    def _oldest(self) -> Iterator[_Site]:
        for _ in range(min(2, len(self._sites) - _MAX_REMEMBERED)):
            yield next(iter(self._sites.values()))
