"""The rows that an engine holds: slow sites must not keep an organisation's other mail unclaimed."""

import pytest

from server.delivery.holding import Holding
from server.queue.rows import Claimed, LeaseKey


def rows(org_id: str, count: int) -> list[Claimed]:
    """Claimed rows of an organisation."""
    keys = [LeaseKey(org_id, f"email{number}", 1, 1, "engine") for number in range(count)]
    return [Claimed(key, "site.test", attempts=0, crashes=0, uncertain=False) for key in keys]


def test_slow_sites_give_way_before_nothing_can_be_claimed() -> None:
    """Whatever an organisation holds: it may claim, or slow sites have to make room."""
    holding = Holding(8, has_many_sites=True)
    for row in rows("org", 40):
        holding.add([row])
        assert holding.is_tight or holding.shares().may_double("org")
    assert holding.is_tight


@pytest.mark.parametrize("slots", [8, 64, 100, 400])
def test_with_all_that_slow_sites_keep_and_every_delivery_an_organisation_may_claim(slots: int) -> None:
    """Three quarters of the slots are an organisation's at most."""
    holding = Holding(slots, has_many_sites=True)
    holding.add(rows("org", holding.kept_of_slow_sites + slots * 3 // 4))
    assert holding.shares().may_double("org")
