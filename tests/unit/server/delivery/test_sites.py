"""Sites take turns, none gets more than its share, and those that say nothing leave room for the others."""

import pytest

from server.delivery.sites import Job, Sites
from server.delivery.transport import OutgoingMessage


def job(site: str, number: int = 0, org_id: str = "org") -> Job:
    return Job(OutgoingMessage(org_id, f"{site}{number}", "a@sender.test", b""), site, 0, True, {}, {})


def jobs_of(sites: Sites) -> list[Job]:
    """Begins all that may begin."""
    jobs = []
    while (next_job := sites.begin()) is not None:
        jobs.append(next_job)
    return jobs


def begun(sites: Sites) -> list[str]:
    return [found.letter.email_id for found in jobs_of(sites)]


def end(
    sites: Sites, ended: Job, *, answered: bool | None = None, began_at: float = 1, now: float = 2
) -> None:
    sites.end(ended, answered=answered, began_at=began_at, now=now)


def proven(sites: Sites, *names: str) -> None:
    """Lets sites answer a first delivery."""
    for name in names:
        sites.add(job(name), 0)
        for found in jobs_of(sites):
            end(sites, found, answered=True)


def test_sites_take_turns_and_each_keeps_its_order() -> None:
    sites = Sites(limit=10, slots=20, at_first=10)
    for number in range(3):
        sites.add(job("a", number), 0)
    sites.add(job("b", 0), 0)
    assert begun(sites) == ["a0", "b0", "a1", "a2"]


def test_a_site_begins_no_more_than_its_limit_until_one_ends() -> None:
    sites = Sites(limit=2, slots=20)
    jobs = [job("a", number) for number in range(4)]
    for waiting in jobs:
        sites.add(waiting, 0)
    assert begun(sites) == ["a0", "a1"]
    end(sites, jobs[0])
    assert begun(sites) == ["a2"]
    sites.add(job("b"), 0)
    assert begun(sites) == ["b0"]
    for ended in (jobs[1], jobs[2]):
        end(sites, ended)
    assert begun(sites) == ["a3"]


def test_a_site_begins_small_and_gets_one_more_delivery_for_each_that_it_answers() -> None:
    sites = Sites(limit=5, slots=100)
    for number in range(40):
        sites.add(job("a", number), 0)
    running = jobs_of(sites)
    sizes = [len(running)]
    for _ in range(4):
        for ended in running:
            end(sites, ended, answered=True)
        running = jobs_of(sites)
        sizes.append(len(running))
    assert sizes == [2, 4, 5, 5, 5]


def test_silent_sites_and_new_ones_leave_slots_for_those_that_answer() -> None:
    sites = Sites(limit=20, slots=64)
    proven(sites, "good")
    for number in range(300):
        sites.add(job(f"new{number}", org_id=f"org{number % 10}"), 0)
    new = jobs_of(sites)
    assert 40 < len(new) <= 48, "three quarters of the slots, nearly all of them used"
    for number in range(3):
        sites.add(job("good", number), 0)
    assert begun(sites) == ["good0", "good1", "good2"]
    for ended in new:
        end(sites, ended, answered=False)
    for ended in new:
        sites.add(job(ended.site, 1, ended.org_id), 0)
    again = jobs_of(sites)
    silent = {ended.site for ended in new}
    assert 6 <= sum(found.site in silent for found in again) <= 8, "an eighth of the slots"
    assert sum(found.site not in silent for found in again) > 30, "the other new sites"


def test_organisations_take_turns_and_so_do_the_sites_of_each() -> None:
    sites = Sites(limit=10, slots=60, at_first=10)
    for number in range(2):
        for site in "xyz":
            sites.add(job(site, number, "many sites"), 0)
        sites.add(job("x", 10 + number, "one site"), 0)
    assert begun(sites) == ["x0", "x10", "y0", "x11", "z0", "x1", "y1", "z1"]


def test_organisations_take_turns_at_a_site_that_is_at_its_limit() -> None:
    sites = Sites(limit=1, slots=60)
    for number in range(4):
        sites.add(job("x", number, "a"), 0)
    for number in range(4, 6):
        sites.add(job("x", number, "b"), 0)
    order = []
    for _ in range(6):
        [one] = jobs_of(sites)
        order.append(one.letter.email_id)
        end(sites, one)
    assert order == ["x0", "x4", "x1", "x5", "x2", "x3"]


@pytest.mark.parametrize("standing", ["new", "silent", "answers"])
def test_one_organisation_cannot_keep_another_from_a_slot(standing: str) -> None:
    sites = Sites(limit=20, slots=64)
    names = [f"s{number}" for number in range(70)]
    for name in names if standing != "new" else ():
        sites.add(job(name, 0, "greedy"), 0)
        for found in jobs_of(sites):
            end(sites, found, answered=standing == "answers")
    for name in names:
        sites.add(job(name, 1, "greedy"), 0)
    held = jobs_of(sites)
    assert held
    sites.add(job(names[-1] if standing == "silent" else "other", 7, "modest"), 0)
    assert [found.org_id for found in jobs_of(sites)] == ["modest"]


def test_site_that_is_slow_for_one_organisation_takes_jobs_of_another() -> None:
    sites = Sites(limit=1, slots=20)
    for number in range(6):
        sites.add(job("slow", number, "greedy"), 100)
    jobs_of(sites)
    sites.shed(2, 110)
    assert sites.pause("slow", "greedy", 115) > 0
    assert sites.pause("slow", "modest", 115) == 0


def test_silent_site_gets_one_delivery_at_a_time_until_it_answers() -> None:
    sites = Sites(limit=20, slots=64)
    for number in range(9):
        sites.add(job("a", number), 0)
    first, second = jobs_of(sites)
    end(sites, first, answered=False)
    end(sites, second, answered=False)
    [probe] = jobs_of(sites)
    end(sites, probe, answered=True)
    assert len(jobs_of(sites)) == 2


def test_site_that_answered_meanwhile_is_not_silent() -> None:
    sites = Sites(limit=20, slots=64)
    for number in range(9):
        sites.add(job("a", number), 0)
    slow, quick = jobs_of(sites)
    end(sites, quick, answered=True, began_at=10, now=11)
    end(sites, slow, answered=False, began_at=10, now=300)
    assert len(jobs_of(sites)) == 3


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
def test_new_site_is_tried_however_few_slots_there_are(slots: int) -> None:
    sites = Sites(limit=20, slots=slots)
    sites.add(job("a"), 0)
    assert begun(sites) == ["a0"]


def test_a_site_that_waits_for_others_is_noticed_and_one_at_its_own_limit_is_not() -> None:
    sites = Sites(limit=1, slots=4)
    for number in range(3):
        sites.add(job("busy", number), 0)
    jobs_of(sites)
    assert not sites.is_full
    for name in "abc":
        sites.add(job(name), 0)
    jobs_of(sites)
    assert sites.is_full


def test_jobs_that_were_not_started_can_be_removed() -> None:
    sites = Sites(limit=1, slots=20)
    first, second = job("a", 0), job("a", 1)
    sites.add(first, 0)
    sites.add(second, 0)
    assert begun(sites) == ["a0"]
    assert sites.clear() == [second]
    end(sites, first)
    assert begun(sites) == []


def test_slow_site_releases_jobs_and_gets_no_more_for_a_while() -> None:
    sites = Sites(limit=1, slots=20)
    for number in range(6):
        sites.add(job("slow", number), 100)
    assert begun(sites) == ["slow0"]
    for number in range(6):
        sites.add(job("fast", number), 109.5)
    assert sites.shed(2, 101) == [], "a second is not slow"
    shed = sites.shed(2, 110)
    assert sorted(found.letter.email_id for found, _ in shed) == ["slow3", "slow4", "slow5"]
    assert {pause for _, pause in shed} == {20}
    assert sites.pause("slow", "org", 115) == 15
    assert sites.pause("slow", "org", 131) == 0
    assert sites.pause("fast", "org", 115) == 0


def test_many_slow_sites_together_keep_no_more_jobs_than_one() -> None:
    sites = Sites(limit=1, slots=20)
    for number in range(30):
        for site in range(10):
            sites.add(job(f"slow{site}", number), 100)
    jobs_of(sites)
    shed = sites.shed(4, 110)
    assert len(sites.clear()) == 4
    assert len(shed) == 300 - 10 - 4
    assert all(sites.pause(f"slow{site}", "org", 111) for site in range(4, 10))
