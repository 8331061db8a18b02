"""A fair queue of jobs by site: sites take turns, and none exceeds its limit of deliveries at once."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from server.delivery.transport import OutgoingMessage
from server.queue.rows import Claimed

# A site whose oldest job has waited longer (seconds) may have to make room for others. It is given no more
# for twice that time, within these bounds.
_PATIENCE_S = 1.0
_SHORTEST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0


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


@dataclass(slots=True)
class _Site:
    # Jobs, and when each was added.
    jobs: deque[tuple[Job, float]] = field(default_factory=deque)
    running: int = 0
    slow_until: float = 0.0


class Sites:
    """The jobs that wait, and how many deliveries run to each site. Times are seconds of one clock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sites: dict[str, _Site] = {}
        # Sites that have a job and room for it, in the order of their turns.
        self._ready: OrderedDict[str, _Site] = OrderedDict()

    def add(self, job: Job, now: float) -> None:
        """Puts a job behind the others of its site."""
        site = self._sites.setdefault(job.site, _Site())
        site.jobs.append((job, now))
        if site.running < self._limit:
            self._ready.setdefault(job.site, site)

    def begin(self) -> Job | None:
        """The job to begin now, from the site whose turn it is; None if nothing may begin."""
        if not self._ready:
            return None
        name, site = self._ready.popitem(last=False)
        job, _ = site.jobs.popleft()
        site.running += 1
        if site.jobs and site.running < self._limit:
            self._ready[name] = site
        return job

    def end(self, job: Job) -> None:
        """A job that was begun has ended."""
        site = self._sites[job.site]
        site.running -= 1
        if site.jobs:
            self._ready.setdefault(job.site, site)
        elif not site.running:
            del self._sites[job.site]

    def shed(self, keep: int, now: float) -> list[tuple[Job, float]]:
        """Takes jobs out so that slow sites keep `keep` each: every job, and for how long to put it off.

        Else the queue of a site that is slow or dead would fill our hands, and everybody else would wait.
        """
        taken: list[tuple[Job, float]] = []
        for site in self._sites.values():
            if len(site.jobs) <= keep or now - site.jobs[0][1] <= _PATIENCE_S:
                continue
            pause = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, 2 * (now - site.jobs[0][1])))
            site.slow_until = now + pause
            while len(site.jobs) > keep:
                taken.append((site.jobs.pop()[0], pause))
        return taken

    def pause(self, site: str, keep: int, now: float) -> float:
        """For how long a further job of this site has to be put off, since it is slow; 0 if it need not."""
        known = self._sites.get(site)
        return max(0.0, known.slow_until - now) if known is not None and len(known.jobs) >= keep else 0.0

    def clear(self) -> list[Job]:
        """Takes out all jobs that were not begun."""
        jobs = [job for site in self._sites.values() for job, _ in site.jobs]
        for site in self._sites.values():
            site.jobs.clear()
        self._ready.clear()
        return jobs
