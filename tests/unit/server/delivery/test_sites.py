"""Sites take turns, and none gets more than its share."""

from server.delivery.sites import Job, Sites
from server.delivery.transport import OutgoingMessage


def job(site: str, number: int = 0) -> Job:
    return Job(OutgoingMessage("org", f"{site}{number}", "a@sender.test", b""), site, 0, True, {}, {})


def begun(sites: Sites) -> list[str]:
    jobs = []
    while (next_job := sites.begin()) is not None:
        jobs.append(next_job)
    return [begun_job.letter.email_id for begun_job in jobs]


def test_sites_take_turns_and_each_keeps_its_order() -> None:
    sites = Sites(limit=10)
    for number in range(3):
        sites.add(job("a", number), 0)
    sites.add(job("b", 0), 0)
    assert begun(sites) == ["a0", "b0", "a1", "a2"]


def test_a_site_begins_no_more_than_its_limit_until_one_ends() -> None:
    sites = Sites(limit=2)
    jobs = [job("a", number) for number in range(4)]
    for waiting in jobs:
        sites.add(waiting, 0)
    assert begun(sites) == ["a0", "a1"]
    sites.end(jobs[0])
    assert begun(sites) == ["a2"]
    sites.add(job("b"), 0)
    assert begun(sites) == ["b0"]
    for ended in (jobs[1], jobs[2]):
        sites.end(ended)
    assert begun(sites) == ["a3"]


def test_jobs_that_were_not_started_can_be_removed() -> None:
    sites = Sites(limit=1)
    first, second = job("a", 0), job("a", 1)
    sites.add(first, 0)
    sites.add(second, 0)
    assert begun(sites) == ["a0"]
    assert sites.clear() == [second]
    sites.end(first)
    assert begun(sites) == []


def test_slow_site_releases_jobs_and_gets_no_more_for_a_while() -> None:
    sites = Sites(limit=1)
    for number in range(6):
        sites.add(job("slow", number), 100)
    assert begun(sites) == ["slow0"]
    for number in range(6):
        sites.add(job("fast", number), 109.5)
    assert sites.shed(2, 101) == [], "a second is not slow"
    shed = sites.shed(2, 110)
    assert sorted(found.letter.email_id for found, _ in shed) == ["slow3", "slow4", "slow5"]
    assert {pause for _, pause in shed} == {20}
    assert sites.pause("slow", 2, 115) == 15
    assert sites.pause("slow", 2, 131) == 0
    assert sites.pause("slow", 3, 115) == 0, "it may keep as many"
    assert sites.pause("fast", 2, 115) == 0
