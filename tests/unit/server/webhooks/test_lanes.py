"""How calls in flight are shared out: nobody can take what others need."""

from server.webhooks.lanes import Lanes
from server.webhooks.queue import CallKey, Claimed
from server.webhooks.store import Key


def _calls(webhook: Key, count: int) -> list[Claimed]:
    return [
        Claimed(CallKey(*webhook, f"{number:024x}", 1), "email.sent", b"{}", 0, 0, 0, "https://a.test", b"")
        for number in range(count)
    ]


def _started(lanes: Lanes) -> list[CallKey]:
    return [call.key for call in lanes.start()]


def _webhooks(keys: list[CallKey]) -> list[str]:
    return [key.webhook_id for key in keys]


def test_a_new_webhook_begins_with_two_calls_and_each_success_adds_one() -> None:
    lanes = Lanes(100, 100, 4)
    lanes.add(_calls(("o", "w"), 20))
    in_flight = _started(lanes)
    assert len(in_flight) == 2
    for expected in (3, 4, 4):
        lanes.finish(in_flight.pop(), succeeded=True)
        in_flight += _started(lanes)
        assert len(in_flight) == expected


def test_failures_leave_one_call_that_probes() -> None:
    lanes = Lanes(100, 100, 8)
    lanes.add(_calls(("o", "w"), 20))
    for key in _started(lanes):
        lanes.finish(key, succeeded=False)
    probe = _started(lanes)
    assert len(probe) == 1
    assert lanes.room(("o", "w")) == 0
    lanes.finish(probe[0], succeeded=True)
    assert len(_started(lanes)) == 2


def test_an_end_that_says_nothing_about_the_webhook_changes_nothing() -> None:
    lanes = Lanes(100, 100, 8)
    lanes.add(_calls(("o", "w"), 20))
    lanes.finish(_started(lanes)[0], succeeded=None)
    assert len(_started(lanes)) == 1


def test_webhooks_take_turns() -> None:
    lanes = Lanes(4, 100, 8)
    for webhook in ("a", "b", "c"):
        lanes.add(_calls(("o", webhook), 10))
    assert _webhooks(_started(lanes)) == ["a", "b", "c", "a"]


def test_an_organisation_cannot_take_every_place() -> None:
    lanes = Lanes(100, 5, 8)
    for number in range(10):
        lanes.add(_calls(("greedy", f"w{number}"), 10))
    lanes.add(_calls(("modest", "m"), 1))
    started = _started(lanes)
    assert len([key for key in started if key.org_id == "greedy"]) == 5
    assert len([key for key in started if key.org_id == "modest"]) == 1


def test_webhooks_that_fail_share_half_of_the_places() -> None:
    lanes = Lanes(10, 100, 8)
    failing = [("o", f"f{number}") for number in range(20)]
    for webhook in failing:
        lanes.add(_calls(webhook, 1))
    while keys := _started(lanes):
        for key in keys:
            lanes.finish(key, succeeded=False)
    for webhook in failing:
        lanes.add(_calls(webhook, 3))
    assert len(_started(lanes)) == 5
    lanes.add(_calls(("o", "healthy"), 2))
    assert _webhooks(_started(lanes)) == ["healthy", "healthy"]


def test_claims_stop_while_enough_waits() -> None:
    lanes = Lanes(100, 100, 8)
    webhook = ("o", "w")
    first = lanes.room(webhook)
    assert first > 0
    lanes.add(_calls(webhook, first))
    assert lanes.room(webhook) == 0
    lanes = Lanes(1, 100, 8)
    lanes.add(_calls(("o", "other"), 4))
    assert lanes.room(webhook) == 0


def test_what_was_not_started_can_be_taken_out() -> None:
    lanes = Lanes(1, 100, 8)
    calls = _calls(("o", "w"), 3)
    lanes.add(calls)
    assert _started(lanes) == [calls[0].key]
    others = _calls(("o", "v"), 1)
    lanes.add(others)
    assert lanes.withdraw(("o", "w")) == [calls[1].key, calls[2].key]
    assert lanes.withdraw(("o", "w")) == []
    assert lanes.withdraw_all() == [others[0].key]
    lanes.finish(calls[0].key, succeeded=True)
    assert _started(lanes) == []
