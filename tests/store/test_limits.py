"""Account states, sandbox, suppressions and quotas, as mail is accepted (C-41, Z-24, Z-25, Z-43)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from zidimail.v1 import email_service_pb2 as pb

from server.account_health.faults import AccountPaused
from server.db.database import Database
from server.db.tables.emails import emails, recipients
from server.db.tables.queue import delivery_queue
from server.db.tables.quotas import unique_recipients
from server.db.writer import Writer
from server.emails.faults import AllRecipientsSuppressed, DomainNotAllowed, DomainNotVerified
from server.ids import new_id
from server.quotas.faults import (
    BurstLimitExceeded,
    DailyQuotaExceeded,
    MonthlyQuotaExceeded,
    RecipientCapExceeded,
    SandboxRecipient,
    WarmUpLimitExceeded,
)
from server.quotas.sweep import RecipientSweep
from server.wire.caller import KeyCaller
from tests.harness.rows import stored
from tests.store.accepting import CALLER, Accepting, send_request


@pytest.fixture
def accepting(database: Database, writer: Writer) -> Accepting:
    return Accepting(database, writer)


async def _stand(accepting: Accepting, **account: Any) -> None:
    await accepting.add_organisation(CALLER, **account)
    await accepting.verify(CALLER, "mail.example.com")


@pytest.mark.parametrize(
    ("state", "sends"), [("healthy", True), ("review", True), ("paused", False), ("banned", False)]
)
async def test_the_state_of_the_account_decides_whether_it_sends(
    accepting: Accepting, state: str, sends: bool
) -> None:
    await _stand(accepting, state=state)
    (result,) = await accepting.results(send_request())
    assert isinstance(result, pb.SendEmailResponse if sends else AccountPaused)
    assert await accepting.count(emails) == sends


async def test_sandbox_sends_to_the_owner_only(accepting: Accepting) -> None:
    await _stand(accepting, sandbox=True)
    own, other, both = await accepting.results(
        send_request(to=["Owner <OWNER@example.com>"]),
        send_request(to=["ada@example.net"]),
        send_request(to=["owner@example.com"], bcc=["ada@example.net"]),
    )
    assert isinstance(own, pb.SendEmailResponse)
    assert isinstance(other, SandboxRecipient)
    assert isinstance(both, SandboxRecipient)


async def test_suppressed_recipients_are_skipped_with_a_warning(accepting: Accepting) -> None:
    await _stand(accepting)
    await accepting.suppress("bob@example.net")
    (result,) = await accepting.results(send_request(to=["ada@example.net", "Bob@Example.net"]))
    assert "bob@example.net" in result.warning
    states = await stored(accepting.database, select(recipients.c.address, recipients.c.status))
    queued = await stored(accepting.database, select(delivery_queue.c.no))
    assert set(states) == {
        ("ada@example.net", "queued"),
        ("Bob@example.net", "suppressed"),
    }
    assert queued == [(1,)]
    assert (await accepting.used())[:2] == (1, 1)


async def test_an_email_to_suppressed_recipients_only_is_refused_and_uses_nothing(
    accepting: Accepting,
) -> None:
    await _stand(accepting, plan="free")
    await accepting.suppress("ada@example.net", "bob@example.net")
    refused, accepted = await accepting.results(
        send_request(to=["ada@example.net"], cc=["bob@example.net"]), send_request(to=["eve@example.net"])
    )
    assert isinstance(refused, AllRecipientsSuppressed)
    assert isinstance(accepted, pb.SendEmailResponse)
    assert await accepting.used() == (1, 1, 1)


async def test_suppressions_are_scoped_to_the_organisation(accepting: Accepting) -> None:
    await _stand(accepting)
    await accepting.suppress("ada@example.net", org_id=new_id())
    (result,) = await accepting.results(send_request())
    assert not result.HasField("warning")


async def test_every_address_counts_once(accepting: Accepting) -> None:
    await _stand(accepting, plan="free")
    await accepting.send(
        send_request(to=["a@x.yz", "b@x.yz"], cc=["c@x.yz", "A@x.yz"]),
        send_request(to=["a@x.yz"], bcc=["d@x.yz"]),
    )
    assert await accepting.used() == (5, 5, 4)


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        ({"burst_limit": 2}, BurstLimitExceeded),
        ({"daily_limit": 2}, DailyQuotaExceeded),
        ({"monthly_limit": 2}, MonthlyQuotaExceeded),
        ({"unique_limit": 2}, RecipientCapExceeded),
    ],
)
async def test_quota_admits_exactly_its_limit(
    accepting: Accepting, own: dict[str, int], fault: type[Exception]
) -> None:
    await _stand(accepting, plan="free", **({"burst_limit": 1000} | own))
    results = [(await accepting.results(send_request(to=[f"u{n}@example.net"])))[0] for n in range(3)]
    assert [type(result) for result in results] == [pb.SendEmailResponse, pb.SendEmailResponse, fault]
    assert await accepting.count(emails) == 2


async def test_counters_reset_with_their_period(accepting: Accepting) -> None:
    await _stand(accepting, plan="free", daily_limit=1, burst_limit=1)
    assert isinstance((await accepting.results(send_request()))[0], pb.SendEmailResponse)
    accepting.clock.advance(1)
    assert isinstance((await accepting.results(send_request()))[0], DailyQuotaExceeded)
    accepting.clock.advance(86_400)
    assert isinstance((await accepting.results(send_request()))[0], pb.SendEmailResponse)


async def test_recipients_of_past_months_are_deleted(accepting: Accepting, writer: Writer) -> None:
    """Z-44."""
    await _stand(accepting, plan="free", burst_limit=100)
    await accepting.send(*[send_request(to=[f"u{n}@example.net"]) for n in range(5)])
    accepting.clock.advance(31 * 86_400)
    await accepting.send(send_request(to=["u0@example.net"]), send_request(to=["new@example.net"]))
    assert await accepting.count(unique_recipients) == 7
    sweep = RecipientSweep(accepting.database, writer, accepting.clock, max_swept=2)
    while await sweep.step():
        pass
    (again,) = await accepting.results(send_request(to=["new@example.net"]))
    assert isinstance(again, pb.SendEmailResponse)
    assert (await accepting.used())[2] == await accepting.count(unique_recipients) == 2


async def test_clocks_that_disagree_at_midnight_give_no_extra_quota(
    database: Database, writer: Writer
) -> None:
    """C-13: of a server whose clock is behind, or that waited for its turn, the later day goes on."""
    ahead, behind = Accepting(database, writer), Accepting(database, writer)
    await _stand(ahead, plan="free", burst_limit=1000, daily_limit=5)
    to_midnight_s = 86_400 - ahead.clock.now_ms() // 1000 % 86_400
    ahead.clock.advance(to_midnight_s + 1)
    behind.clock.advance(to_midnight_s - 1)
    outcomes = [
        type((await server.results(send_request(to=[f"u{n}@example.net"])))[0])
        for n in range(5)
        for server in (ahead, behind)
    ]
    assert outcomes.count(pb.SendEmailResponse) == 5


async def test_clock_that_was_days_ahead_does_not_block_sends(accepting: Accepting) -> None:
    await _stand(accepting, plan="free", daily_limit=1)
    for days in (0, 400, -400):
        accepting.clock.advance(days * 86_400)
        assert isinstance((await accepting.results(send_request()))[0], pb.SendEmailResponse)


async def test_replay_is_answered_when_the_quota_is_used_up(accepting: Accepting) -> None:
    await _stand(accepting, plan="free", daily_limit=1)
    (first,) = await accepting.results(send_request(idempotency_key="k"))
    (again,) = await accepting.results(send_request(idempotency_key="k"))
    assert again.id == first.id
    assert await accepting.used() == (1, 1, 1)


async def test_a_strict_batch_that_does_not_fit_uses_nothing(accepting: Accepting) -> None:
    await _stand(accepting, plan="free", daily_limit=2, burst_limit=100)
    results = await accepting.results(
        *[send_request(to=[f"u{n}@example.net"]) for n in range(3)], strict=True
    )
    assert isinstance(results[2], DailyQuotaExceeded)
    assert await accepting.count(emails) == 0
    two = await accepting.results(*[send_request(to=[f"v{n}@example.net"]) for n in range(2)], strict=True)
    assert all(isinstance(result, pb.SendEmailResponse) for result in two)


async def test_strict_batch_starts_if_the_burst_limit_admits_one_email(accepting: Accepting) -> None:
    """Z-43, C-4: a batch larger than the burst would otherwise never be sent."""
    await _stand(accepting, plan="free")
    five = [send_request(to=["ada@example.net"])] * 5
    assert {type(result) for result in await accepting.results(*five, strict=True)} == {pb.SendEmailResponse}
    assert isinstance((await accepting.results(send_request()))[0], BurstLimitExceeded)
    assert isinstance((await accepting.results(*five, strict=True))[0], BurstLimitExceeded)
    accepting.clock.advance(1)
    assert isinstance((await accepting.results(send_request()))[0], pb.SendEmailResponse)


async def test_the_level_profile_grows_with_a_verified_domain(accepting: Accepting) -> None:
    await accepting.add_organisation(CALLER, profile="level", plan="free")
    await accepting.verify(CALLER, "mail.example.com")
    (result,) = await accepting.results(send_request())
    assert (result.rate_limit.limit, result.rate_limit.remaining) == (1000, 999)


async def test_slow_start_caps_a_new_account(database: Database, writer: Writer) -> None:
    accepting = Accepting(database, writer, slow_start=(1, 2))
    await _stand(accepting)
    first, second = await accepting.results(send_request(), send_request(to=["b@example.net"]))
    assert isinstance(first, pb.SendEmailResponse)
    assert isinstance(second, WarmUpLimitExceeded)


async def test_a_key_bound_to_domains_sends_from_them_only(accepting: Accepting) -> None:
    await _stand(accepting)
    await accepting.verify(CALLER, "else.example.com")
    bound = KeyCaller(CALLER.org_id, new_id(), "full", allowed_domains=frozenset({"else.example.com"}))
    (refused,) = await accepting.results(send_request(), caller=bound)
    (accepted,) = await accepting.results(send_request(**{"from": "a@else.example.com"}), caller=bound)
    assert isinstance(refused, DomainNotAllowed)
    assert isinstance(accepted, pb.SendEmailResponse)


async def test_a_test_key_uses_no_quota(accepting: Accepting) -> None:
    await _stand(accepting, plan="free", daily_limit=0)
    tester = KeyCaller(CALLER.org_id, new_id(), "full", test=True)
    (result,) = await accepting.results(send_request(), caller=tester)
    assert isinstance(result, pb.SendEmailResponse)
    assert await accepting.used() == (0, 0, 0)


async def test_the_order_of_the_checks(accepting: Accepting) -> None:
    """C-41: from-domain, sandbox, suppression, quota; each one answers only when those before it pass."""
    await _stand(accepting, plan="free", sandbox=True, daily_limit=0)
    await accepting.suppress("owner@example.com")
    outcomes = [
        type((await accepting.results(request))[0])
        for request in (
            send_request(**{"from": "a@unknown.example.com"}),
            send_request(),
            send_request(to=["owner@example.com"]),
        )
    ]
    assert outcomes == [DomainNotVerified, SandboxRecipient, AllRecipientsSuppressed]


async def test_64_concurrent_senders_on_two_servers_use_exactly_the_quota(
    database: Database, writer: Writer
) -> None:
    """On PostgreSQL two servers; on SQLite one, as there is one writer by design."""
    second = Writer(database)
    servers = [Accepting(database, writer)]
    if not database.is_sqlite:
        second.start()
        servers.append(Accepting(database, second))
    await _stand(servers[0], plan="free", daily_limit=100, unique_limit=70, burst_limit=100_000)

    async def sender(number: int) -> list[type]:
        server = servers[number % len(servers)]
        return [
            type(
                (
                    await server.results(
                        send_request(to=[f"u{number}-{n % 2}@example.net", "all@example.net"])
                    )
                )[0]
            )
            for n in range(4)
        ]

    outcomes = [
        kind for kinds in await asyncio.gather(*(sender(number) for number in range(64))) for kind in kinds
    ]
    accepted = outcomes.count(pb.SendEmailResponse)
    assert set(outcomes) <= {pb.SendEmailResponse, DailyQuotaExceeded, RecipientCapExceeded}
    assert accepted == await servers[0].count(emails) == 50
    day, month, unique = await servers[0].used()
    assert (day, month) == (100, 100)
    addresses = await stored(database, select(recipients.c.address).distinct())
    assert unique == len(addresses) <= 70
    await second.close()
