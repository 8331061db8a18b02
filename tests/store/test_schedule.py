"""Scheduled emails are rescheduled, canceled or released, on both engines (F-2, C-25)."""

import asyncio
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import delete, select, update
from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.reach import ALL
from server.db.tables.domains import domains
from server.db.tables.emails import attachment_parts, attachments, emails, recipients
from server.db.tables.events import events
from server.db.tables.queue import delivery_queue
from server.db.tables.quotas import usage
from server.db.tx import Tx
from server.db.writer import Writer, running_writer
from server.emails.due import MAX_RELEASED, ORGANISATIONS_PER_RELEASE, is_any_due, read_due
from server.emails.faults import EmailNotFound, EmailNotScheduled
from server.emails.release import release
from server.emails.schedule import cancel, move
from server.emails.store import details
from server.faults import Fault, ValidationFailed
from server.ids import new_id
from server.quotas.faults import BurstLimitExceeded, DailyQuotaExceeded
from server.wire.caller import KeyCaller
from tests.harness.clock import START_MS
from tests.harness.rows import found, own_value, own_values, stored
from tests.harness.sqlite_plans import plans_of, scans
from tests.store.accepting import CALLER, OTHER, Accepting, send_request

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
IN_AN_HOUR = START_MS + HOUR_MS


def at(ms: int) -> Timestamp:
    return Timestamp(seconds=ms // 1000, nanos=ms % 1000 * 1_000_000)


class Scheduling(Accepting):
    """An acceptor, and what else happens to scheduled emails."""

    async def schedule(self, at_ms: int = IN_AN_HOUR, **fields: Any) -> str:
        (result,) = await self.results(send_request(scheduled_at=at(at_ms), **fields))
        assert isinstance(result, pb.SendEmailResponse), result
        return result.id

    async def release(self, at_ms: int, writer: Writer | None = None) -> int:
        return (await (writer or self.writer).run(release, at_ms)).emails

    async def move(self, email_id: str, at_ms: int, caller: KeyCaller = CALLER) -> Fault | None:
        return await self.writer.run(move, caller, email_id, at_ms)

    async def cancel(
        self, email_id: str, caller: KeyCaller = CALLER, writer: Writer | None = None
    ) -> Fault | None:
        return await (writer or self.writer).run(cancel, caller, email_id, START_MS)

    async def email(self, email_id: str) -> Any:
        [email] = await stored(self.database, select(emails).where(emails.c.id == email_id))
        return email

    async def states(self, email_id: str) -> list[str]:
        """The email's status, and those of its recipients."""
        query = select(recipients.c.status).where(recipients.c.email_id == email_id).order_by(recipients.c.no)
        statuses = await self.database.read(own_values, str, query)
        return [(await self.email(email_id)).status, *statuses]

    async def queue(self, email_id: str) -> list[Any]:
        return await stored(
            self.database,
            select(delivery_queue).where(delivery_queue.c.email_id == email_id).order_by(delivery_queue.c.no),
        )

    async def count_usage(self) -> int:
        """The number of recipients that were counted today."""
        return await self.database.read(own_value, int, select(usage.c.day_count)) or 0

    async def events(self, email_id: str) -> list[str]:
        query = (
            select(events.c.type).where(events.c.email_id == email_id).order_by(events.c.stamp, events.c.seq)
        )
        types = await self.database.read(own_values, str, query)
        return [type.removeprefix("email.") for type in types]

    async def reasons(self, email_id: str) -> list[tuple[str, str]]:
        """The reasons why there was no attempt: those of the recipients, then those of the events."""

        def read(tx: Tx) -> list[tuple[str, str]]:
            return [
                tuple(row)
                for table in (recipients, events)
                for row in found(
                    tx,
                    select(table.c.reply_status, table.c.reply_text).where(table.c.email_id == email_id),
                )
                if any(row)
            ]

        return await self.database.read(read)


@pytest.fixture
async def scheduling(database: Database, writer: Writer) -> Scheduling:
    scheduling = Scheduling(database, writer)
    await scheduling.add_organisation(CALLER)
    await scheduling.verify(CALLER, "mail.example.com")
    return scheduling


async def test_a_scheduled_email_waits_until_its_time(scheduling: Scheduling) -> None:
    """F-2, and C-25: counted on the day on which it is sent."""
    id = await scheduling.schedule(cc=["eve@Else.example.NET"])
    assert await scheduling.states(id) == ["scheduled"] * 3
    assert await scheduling.events(id) == ["scheduled"]
    assert await scheduling.release(IN_AN_HOUR - 1) == 0
    assert await scheduling.queue(id) == []
    assert await scheduling.count_usage() == 0
    assert await scheduling.release(IN_AN_HOUR) == 1
    assert await scheduling.states(id) == ["queued"] * 3
    assert await scheduling.events(id) == ["scheduled", "sent"]
    rows = await scheduling.queue(id)
    assert [(row.no, row.site, row.due_at) for row in rows] == [
        (1, "example.net", IN_AN_HOUR),
        (2, "else.example.net", IN_AN_HOUR),
    ]
    assert await scheduling.count_usage() == 2
    assert await scheduling.release(IN_AN_HOUR + DAY_MS) == 0


async def test_scheduled_mail_does_not_count_today(scheduling: Scheduling) -> None:
    """C-25."""
    await scheduling.results(send_request(scheduled_at=at(IN_AN_HOUR)), send_request(), send_request())
    assert await scheduling.count_usage() == 2


async def test_answer_echoes_scheduled_at(scheduling: Scheduling) -> None:
    (result,) = await scheduling.results(send_request(scheduled_at=at(IN_AN_HOUR + 7)))
    assert result.scheduled_at == at(IN_AN_HOUR + 7)
    assert (await scheduling.email(result.id)).scheduled_at == IN_AN_HOUR + 7


@pytest.mark.parametrize("at_ms", [START_MS, START_MS - 1, 0, START_MS + 365 * DAY_MS + 1])
async def test_a_time_that_is_past_or_too_far_is_refused(scheduling: Scheduling, at_ms: int) -> None:
    (result,) = await scheduling.results(send_request(scheduled_at=at(at_ms)))
    assert isinstance(result, ValidationFailed)
    assert result.violations[0].field == "scheduled_at"


async def test_repeated_call_gets_its_answer_after_its_scheduled_time(scheduling: Scheduling) -> None:
    """F-1, C-41: what was right when it was said is not wrong when it is repeated."""
    request = send_request(scheduled_at=at(IN_AN_HOUR), idempotency_key="k")
    (first,) = await scheduling.results(request)
    scheduling.clock.advance(7200)
    (again,) = await scheduling.results(request)
    assert (again.id, again.replayed, again.scheduled_at) == (first.id, True, at(IN_AN_HOUR))
    (other,) = await scheduling.results(send_request(scheduled_at=at(IN_AN_HOUR), idempotency_key="other"))
    assert isinstance(other, ValidationFailed)


async def test_scheduled_email_is_rescheduled(scheduling: Scheduling) -> None:
    id = await scheduling.schedule()
    assert await scheduling.move(id, IN_AN_HOUR + HOUR_MS) is None
    assert await scheduling.release(IN_AN_HOUR) == 0
    assert await scheduling.move(id, START_MS + 1) is None
    assert await scheduling.release(START_MS + 1) == 1
    assert isinstance(await scheduling.move(id, IN_AN_HOUR), EmailNotScheduled)


async def test_a_canceled_email_is_not_sent(scheduling: Scheduling) -> None:
    id = await scheduling.schedule(
        attachments=[pb.NewAttachment(filename="a", content=b"abc")], cc=["eve@example.net"]
    )
    assert await scheduling.cancel(id) is None
    assert await scheduling.states(id) == ["canceled"] * 3
    assert await scheduling.events(id) == ["scheduled", "canceled"]
    assert await scheduling.release(IN_AN_HOUR) == 0
    assert await scheduling.queue(id) == []
    for fault in (await scheduling.cancel(id), await scheduling.move(id, IN_AN_HOUR)):
        assert isinstance(fault, EmailNotScheduled)
        assert fault.metadata == {"id": id, "status": "canceled"}
    assert await scheduling.count(attachments) == 1
    assert await scheduling.count(attachment_parts) == 0


async def test_only_a_scheduled_email_can_be_canceled(scheduling: Scheduling) -> None:
    (sent,) = await scheduling.results(send_request())
    assert isinstance(await scheduling.cancel(sent.id), EmailNotScheduled)
    id = await scheduling.schedule()
    for caller, email_id in ((CALLER, new_id()), (OTHER, id)):
        assert isinstance(await scheduling.cancel(email_id, caller), EmailNotFound)
        assert isinstance(await scheduling.move(email_id, IN_AN_HOUR, caller), EmailNotFound)
    assert await scheduling.states(id) == ["scheduled", "scheduled"]


async def test_email_is_canceled_or_sent_and_never_both(scheduling: Scheduling, writer: Writer) -> None:
    """The database decides; on PostgreSQL between two servers."""
    other = writer if scheduling.database.is_sqlite else Writer(scheduling.database)
    if other is not writer:
        other.start()
    ids = [await scheduling.schedule() for _ in range(20)]
    outcomes = await asyncio.gather(
        *(scheduling.cancel(id, writer=other) for id in ids[:10]),
        scheduling.release(IN_AN_HOUR),
        *(scheduling.cancel(id, writer=other) for id in ids[10:]),
    )
    faults = [outcome for outcome in outcomes if not isinstance(outcome, int)]
    if other is not writer:
        await other.close()
    assert len(faults) == 20
    for id, fault in zip(ids, faults, strict=True):
        if fault is None:
            assert await scheduling.states(id) == ["canceled", "canceled"]
            assert (await scheduling.queue(id), await scheduling.events(id)) == (
                [],
                ["scheduled", "canceled"],
            )
        else:
            assert isinstance(fault, EmailNotScheduled)
            assert await scheduling.states(id) == ["queued", "queued"]
            assert len(await scheduling.queue(id)) == 1
            assert await scheduling.events(id) == ["scheduled", "sent"]


async def test_two_servers_release_each_email_once(scheduling: Scheduling, writer: Writer) -> None:
    other = writer if scheduling.database.is_sqlite else Writer(scheduling.database)
    if other is not writer:
        other.start()
    ids = [await scheduling.schedule() for _ in range(10)]
    await asyncio.gather(*(scheduling.release(IN_AN_HOUR, one) for one in (writer, other) * 3))
    if other is not writer:
        await other.close()
    for id in ids:
        assert await scheduling.events(id) == ["scheduled", "sent"]


async def test_recipient_suppressed_before_the_scheduled_time_is_skipped(scheduling: Scheduling) -> None:
    """Z-24, and suppressed recipients use no quota."""
    id = await scheduling.schedule(cc=["Eve@example.net"])
    await scheduling.suppress("eve@example.net")
    await scheduling.release(IN_AN_HOUR)
    assert await scheduling.states(id) == ["queued", "queued", "suppressed"]
    assert [row.no for row in await scheduling.queue(id)] == [1]
    assert await scheduling.events(id) == ["scheduled", "sent", "suppressed"]
    reason = ("5.7.1", "the address was suppressed after the email was accepted")
    assert await scheduling.reasons(id) == [reason, reason]
    assert await scheduling.count_usage() == 1


async def test_scheduled_email_to_suppressed_recipients_only_is_not_sent(scheduling: Scheduling) -> None:
    id = await scheduling.schedule(attachments=[pb.NewAttachment(filename="a", content=b"abc")])
    await scheduling.suppress("ada@example.net")
    await scheduling.release(IN_AN_HOUR)
    assert await scheduling.states(id) == ["suppressed", "suppressed"]
    assert (await scheduling.queue(id), await scheduling.events(id)) == ([], ["scheduled", "suppressed"])
    assert await scheduling.count(attachment_parts) == 0


async def test_scheduled_email_fails_if_its_domain_was_removed(scheduling: Scheduling) -> None:
    id = await scheduling.schedule()
    await scheduling.writer.run(Tx.change, delete(domains).where(domains.c.org_id == CALLER.org_id))
    await scheduling.release(IN_AN_HOUR)
    assert await scheduling.states(id) == ["failed", "failed"]
    assert (await scheduling.queue(id), await scheduling.events(id)) == ([], ["scheduled", "failed"])
    reason = ("5.7.1", "not sent: domain no longer verified")
    assert await scheduling.reasons(id) == [reason, reason]


async def test_scheduled_email_over_the_daily_quota_waits_for_the_next_day(scheduling: Scheduling) -> None:
    """C-25: refused when today's quota is gone, counted on the day it is sent."""
    await scheduling.set_organisation(daily_limit=2, burst_limit=100)
    ids = [await scheduling.schedule() for _ in range(3)]
    await scheduling.release(IN_AN_HOUR)
    assert sorted([(await scheduling.states(id))[0] for id in ids]) == ["queued", "queued", "scheduled"]
    tomorrow = (START_MS // DAY_MS + 1) * DAY_MS
    (waiting,) = [id for id in ids if (await scheduling.email(id)).status == "scheduled"]
    assert (await scheduling.email(waiting)).scheduled_at == tomorrow
    (refused,) = await scheduling.results(send_request(scheduled_at=at(tomorrow + HOUR_MS)))
    assert isinstance(refused, DailyQuotaExceeded)
    await scheduling.release(tomorrow)
    assert (await scheduling.email(waiting)).status == "queued"
    assert (await scheduling.used())[:2] == (1, 3)


async def test_email_of_another_type_is_not_there(scheduling: Scheduling) -> None:
    """S-9, S-10: of the scheduled emails, one that never was scheduled is none."""
    (sent,) = await scheduling.results(send_request())
    found = await scheduling.database.read(details, CALLER.org_id, sent.id, ALL, "scheduled")
    assert found is None
    fault = await scheduling.writer.run(cancel, CALLER, sent.id, START_MS, "scheduled")
    assert isinstance(fault, EmailNotFound)
    scheduled = await scheduling.schedule()
    assert await scheduling.database.read(details, CALLER.org_id, scheduled, ALL, "scheduled")
    assert await scheduling.writer.run(cancel, CALLER, scheduled, START_MS, "scheduled") is None


async def test_scheduled_email_waits_while_its_organisation_is_paused(scheduling: Scheduling) -> None:
    """C-42."""
    id = await scheduling.schedule()
    await scheduling.set_organisation(state="paused")
    await scheduling.release(IN_AN_HOUR)
    assert await scheduling.states(id) == ["scheduled", "scheduled"]
    await scheduling.set_organisation(state="healthy")
    await scheduling.release(IN_AN_HOUR + HOUR_MS)
    assert await scheduling.states(id) == ["queued", "queued"]


async def test_scheduled_email_of_a_paused_organisation_waits_without_its_domain(
    scheduling: Scheduling,
) -> None:
    """C-41: the account comes before the domain, which may be verified again before the pause ends."""
    id = await scheduling.schedule()
    await scheduling.set_organisation(state="paused")
    await scheduling.writer.run(
        Tx.change, update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=False)
    )
    await scheduling.release(IN_AN_HOUR)
    assert await scheduling.states(id) == ["scheduled", "scheduled"]
    await scheduling.set_organisation(state="healthy")
    await scheduling.writer.run(
        Tx.change, update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=True)
    )
    await scheduling.release(IN_AN_HOUR + HOUR_MS)
    assert await scheduling.states(id) == ["queued", "queued"]


async def test_scheduled_email_in_the_sandbox_goes_to_the_owner_only(scheduling: Scheduling) -> None:
    """Z-25: also what was scheduled before the organisation came into it; that waits like paused mail."""
    owner = "owner@example.com"
    to_owner, to_others = await scheduling.schedule(to=[owner]), await scheduling.schedule(cc=[owner])
    await scheduling.set_organisation(sandbox=True)
    await scheduling.release(IN_AN_HOUR)
    assert await scheduling.states(to_owner) == ["queued", "queued"]
    assert await scheduling.states(to_others) == ["scheduled"] * 3
    assert await scheduling.count_usage() == 1
    await scheduling.set_organisation(sandbox=False)
    await scheduling.release(IN_AN_HOUR + HOUR_MS)
    assert await scheduling.states(to_others) == ["queued"] * 3


async def test_scheduling_pays_burst_at_once_and_not_again_when_the_mail_leaves(
    scheduling: Scheduling,
) -> None:
    """Z-43, C-25, C-88."""
    await scheduling.set_organisation(burst_limit=2)
    results = [(await scheduling.results(send_request(scheduled_at=at(IN_AN_HOUR))))[0] for _ in range(3)]
    assert [type(result) for result in results] == [
        *[pb.SendEmailResponse] * 2,
        BurstLimitExceeded,
    ]
    scheduling.clock.advance(1)
    ids = [result.id for result in results[:2]] + [await scheduling.schedule() for _ in range(2)]
    assert await scheduling.count_usage() == 0
    assert await scheduling.release(IN_AN_HOUR) == 4
    assert {(await scheduling.email(id)).status for id in ids} == {"queued"}
    assert await scheduling.count_usage() == 4


async def test_batches_of_scheduled_emails_pay_burst_like_others(scheduling: Scheduling) -> None:
    """A batch begins if one email fits (C-4), and the next one has to wait for what it used."""
    await scheduling.set_organisation(burst_limit=2)
    batch = [send_request(scheduled_at=at(IN_AN_HOUR))] * 100
    assert {type(result) for result in await scheduling.results(*batch, strict=True)} == {
        pb.SendEmailResponse
    }
    for _ in range(3):
        results = await scheduling.results(*batch, strict=True)
        assert isinstance(results[0], BurstLimitExceeded)
    assert await scheduling.count(emails) == 100


async def test_release_takes_turns_over_organisations(scheduling: Scheduling) -> None:
    """Ten thousands of one organisation, due before, do not delay the one email of another."""
    other = KeyCaller("f" * 24, new_id(), "full")
    await scheduling.add_organisation(other)
    await scheduling.verify(other, "other.example.com")
    for _ in range(MAX_RELEASED // 100 + 2):
        await scheduling.send(*[send_request(scheduled_at=at(IN_AN_HOUR))] * 100)
    request = send_request(**{"from": "a@other.example.com"}, scheduled_at=at(IN_AN_HOUR + 1))
    (late,) = await scheduling.results(request, caller=other)
    assert await scheduling.release(IN_AN_HOUR + 1) == MAX_RELEASED // 2 + 1
    assert (await scheduling.email(late.id)).status == "queued"


async def test_every_organisation_gets_its_turn_of_release(scheduling: Scheduling) -> None:
    callers = [KeyCaller(f"{n:024x}", new_id(), "full") for n in range(ORGANISATIONS_PER_RELEASE * 2)]
    for n, caller in enumerate(callers):
        await scheduling.add_organisation(caller)
        await scheduling.verify(caller, f"d{n}.example.com")
        request = send_request(**{"from": f"a@d{n}.example.com"}, scheduled_at=at(IN_AN_HOUR))
        await scheduling.send(*[request] * 2, caller=caller)
    after, counts = "", []
    while True:
        count, after = await scheduling.writer.run(release, IN_AN_HOUR, (), after)
        counts.append(count)
        if not after:
            break
    assert sum(counts) == len(callers) * 2
    assert len(counts) <= 3
    assert await scheduling.release(IN_AN_HOUR) == 0


async def test_a_release_finds_its_emails_by_index(sqlite_url: str) -> None:
    async with running_writer(sqlite_url):
        pass
    steps = [*plans_of(sqlite_url, is_any_due, START_MS), *plans_of(sqlite_url, read_due, START_MS)]
    assert [step for step in steps if "ix_emails_waiting" in step]
    assert [step for step in scans(steps) if "waiting" not in step and "CONSTANT" not in step] == []


async def test_released_email_carries_its_attachment_size_into_the_queue(scheduling: Scheduling) -> None:
    files = [pb.NewAttachment(filename=name, content=b"x" * 1000) for name in "ab"]
    id = await scheduling.schedule(attachments=files)
    (sent,) = await scheduling.results(send_request(attachments=files))
    await scheduling.release(IN_AN_HOUR)
    (released,), (direct,) = await scheduling.queue(id), await scheduling.queue(sent.id)
    assert released.attached == direct.attached >= 2000
