"""Limits of concurrent calls: no webhook can use the slots of others."""

from server.webhooks.concurrency import ConcurrencyLimiter
from server.webhooks.queue import CallKey, Claimed
from server.webhooks.store import WebhookKey


def _calls(webhook: WebhookKey, count: int) -> list[Claimed]:
    return [
        Claimed(
            CallKey(*webhook, f"{number:024x}", 1),
            type="email.sent",
            body=b"{}",
            attempts=0,
            earlier=0,
            created_at=0,
        )
        for number in range(count)
    ]


def _started(limiter: ConcurrencyLimiter) -> list[CallKey]:
    return [call.key for call in limiter.start()]


def _webhooks(keys: list[CallKey]) -> list[str]:
    return [key.webhook_id for key in keys]


def test_a_new_webhook_begins_with_two_calls_and_each_success_adds_one() -> None:
    limiter = ConcurrencyLimiter(100, 100, 4)
    limiter.add(_calls(("o", "w"), 20))
    in_flight = _started(limiter)
    assert len(in_flight) == 2
    for expected in (3, 4, 4):
        limiter.finish(in_flight.pop(), succeeded=True)
        in_flight += _started(limiter)
        assert len(in_flight) == expected


def test_failures_leave_one_call_that_probes() -> None:
    limiter = ConcurrencyLimiter(100, 100, 8)
    limiter.add(_calls(("o", "w"), 20))
    for key in _started(limiter):
        limiter.finish(key, succeeded=False)
    probe = _started(limiter)
    assert len(probe) == 1
    assert limiter.capacity(("o", "w")) == 0
    limiter.finish(probe[0], succeeded=True)
    assert len(_started(limiter)) == 2


def test_inconclusive_call_does_not_change_the_limit() -> None:
    limiter = ConcurrencyLimiter(100, 100, 8)
    limiter.add(_calls(("o", "w"), 20))
    limiter.finish(_started(limiter)[0], succeeded=None)
    assert len(_started(limiter)) == 1


def test_webhooks_take_turns() -> None:
    limiter = ConcurrencyLimiter(6, 4, 8)
    for webhook in ("a", "b", "c"):
        limiter.add(_calls(("o", webhook), 10))
    assert _webhooks(_started(limiter)) == ["a", "b", "c", "a"]


def test_organisation_cannot_use_every_slot() -> None:
    limiter = ConcurrencyLimiter(100, 5, 8)
    for number in range(10):
        limiter.add(_calls(("greedy", f"w{number}"), 10))
    limiter.add(_calls(("modest", "m"), 1))
    started = _started(limiter)
    assert len([key for key in started if key.org_id == "greedy"]) == 5
    assert len([key for key in started if key.org_id == "modest"]) == 1


def test_organisations_take_turns_however_many_webhooks_they_have() -> None:
    limiter = ConcurrencyLimiter(100, 100, 8)
    for number in range(10):
        limiter.add(_calls(("many", f"m{number}"), 2))
    limiter.add(_calls(("one", "o"), 2))
    assert _webhooks(_started(limiter))[:4] == ["m0", "o", "m1", "o"]


def test_organisation_leaves_slots_and_claims_to_another() -> None:
    limiter = ConcurrencyLimiter(16, 100, 8)
    for number in range(100):
        webhook = ("greedy", f"g{number}")
        limiter.add(_calls(webhook, min(1, limiter.capacity(webhook))))
    assert len(_started(limiter)) == 12
    assert limiter.capacity(("modest", "m")) == 12
    limiter.add(_calls(("modest", "m"), 2))
    assert _webhooks(_started(limiter)) == ["m", "m"]


def test_failing_webhooks_share_half_of_the_slots() -> None:
    limiter = ConcurrencyLimiter(40, 100, 8)
    failing = [(f"o{number % 5}", f"f{number}") for number in range(60)]
    for webhook in failing:
        limiter.add(_calls(webhook, 1))
    while keys := _started(limiter):
        for key in keys:
            limiter.finish(key, succeeded=False)
    for webhook in failing:
        limiter.add(_calls(webhook, 3))
    assert 15 <= len(_started(limiter)) <= 20
    limiter.add(_calls(("other", "failed before"), 2))
    limiter.add(_calls(("o", "healthy"), 2))
    assert _webhooks(_started(limiter)) == ["failed before", "healthy", "failed before", "healthy"]


def test_claims_stop_while_enough_calls_wait() -> None:
    limiter = ConcurrencyLimiter(100, 100, 8)
    webhook = ("o", "w")
    first = limiter.capacity(webhook)
    assert first > 0
    limiter.add(_calls(webhook, first))
    assert limiter.capacity(webhook) == 0
    limiter = ConcurrencyLimiter(1, 100, 8)
    limiter.add(_calls(("o", "other"), 4))
    assert limiter.capacity(webhook) == 0


def test_calls_that_were_not_started_can_be_removed() -> None:
    limiter = ConcurrencyLimiter(1, 100, 8)
    calls = _calls(("o", "w"), 3)
    limiter.add(calls)
    assert _started(limiter) == [calls[0].key]
    others = _calls(("o", "v"), 1)
    limiter.add(others)
    assert limiter.withdraw(("o", "w")) == [calls[1].key, calls[2].key]
    assert limiter.withdraw(("o", "w")) == []
    assert limiter.withdraw_all() == [others[0].key]
    limiter.finish(calls[0].key, succeeded=True)
    assert _started(limiter) == []
