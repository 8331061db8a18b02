"""Who is next: jobs wait by site, sites take turns, and none gets more deliveries at once than its limit."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from server.delivery.rows import Claimed
from server.delivery.transports.transport import Letter


@dataclass(slots=True)
class Job:
    """One message for recipients of one site, by their numbers in the envelope."""

    letter: Letter
    site: str
    accepted_at: int
    # Whether the email has no other recipient.
    alone: bool
    rows: dict[int, Claimed]
    addresses: dict[int, str]


@dataclass(slots=True)
class _Site:
    jobs: deque[Job] = field(default_factory=deque)
    running: int = 0


class Sites:
    """The jobs that wait, and how many deliveries run to each site."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sites: dict[str, _Site] = {}
        # Sites that have a job and room for it, in the order of their turns.
        self._ready: OrderedDict[str, _Site] = OrderedDict()

    def add(self, job: Job) -> None:
        """Puts a job behind the others of its site."""
        site = self._sites.setdefault(job.site, _Site())
        site.jobs.append(job)
        if site.running < self._limit:
            self._ready.setdefault(job.site, site)

    def begin(self) -> Job | None:
        """The job to begin now, from the site whose turn it is; None if nothing may begin."""
        if not self._ready:
            return None
        name, site = self._ready.popitem(last=False)
        job = site.jobs.popleft()
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

    def clear(self) -> list[Job]:
        """Takes out all jobs that were not begun."""
        jobs = [job for site in self._sites.values() for job in site.jobs]
        for site in self._sites.values():
            site.jobs.clear()
        self._ready.clear()
        return jobs
