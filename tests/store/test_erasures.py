"""Erasures of one recipient's data, on both engines (F-13)."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from zidimail.v1 import email_service_pb2 as pb

from server.contacts import store as contact_store
from server.contacts.store import Changes
from server.db.database import Database
from server.db.tables.emails import email_contents, emails
from server.db.tables.operators import operator_entries
from server.db.tables.privacy import erasures
from server.db.tables.quotas import unique_recipients
from server.db.tables.suppressions import suppressions
from server.db.tables.webhooks import webhook_calls
from server.db.tx import Tx
from server.delivery import clearance
from server.emails.accept import Acceptor
from server.emails.batch import Batch
from server.emails.draft import draft
from server.events import log
from server.events.rows import BEGINNING
from server.ids import new_id
from server.inbound.feedback import Feedback, record
from server.privacy import eraser, erasure_store
from server.privacy.faults import TooManyErasures
from server.suppressions.store import NewSuppression, add
from server.wire.caller import KeyCaller
from server.work.backpressure import AcceptLoad
from server.work.notifier import Notifier
from tests.delivery.queued import domain_of, queue_of, recipients_of, status_of
from tests.harness.rows import stored
from tests.store.erasing import ADA, BOB, NAMED, Erasing
from tests.store.mailing import BOUNCED, DELIVERED, attempt


async def deliver(erasing: Erasing) -> None:
    """Attempts all mail; that to Ada is refused with her address in the reply."""
    refusal = replace(BOUNCED, text=f"<{ADA}>: no such user")
    await erasing.mailing.settle(
        lambda row, email: attempt(
            row,
            email,
            refusal if email.addresses[row.key.no].lower() == ADA else DELIVERED,
            erasing.clock.now_ms(),
        )
    )


async def test_nothing_personal_is_left(erasing: Erasing) -> None:
    """Whatever table it was in, and whatever became of the mail."""
    await erasing.send_to_her_alone()
    await erasing.send_to_both()
    await erasing.send_raw(NAMED)
    await erasing.send_raw(NAMED, BOB)
    await deliver(erasing)
    await erasing.read_log()
    await erasing.note()
    await erasing.send_to_her_alone()
    await erasing.send_to_both()
    await erasing.read_log()
    before = await erasing.personal()
    assert {
        *("emails", "email_contents", "recipients", "events", "webhook_calls", "addressees", "contacts"),
        *("attachments", "attachment_parts", "email_tags", "audit_entries"),
    } <= before.keys()
    done = await erasing.finish(await erasing.request())
    assert await erasing.personal() == {}
    assert done.email_count == 6
    assert done.address is None


async def test_mail_to_others_keeps_its_content_without_the_address(
    erasing: Erasing, database: Database
) -> None:
    email = await erasing.send_to_both()
    done = await erasing.finish(await erasing.request())
    [row] = await stored(database, select(emails.c.to, emails.c.bcc, emails.c.subject))
    assert json.loads(row.to) == ["Bob <bob@receiver.test>", done.stand_in]
    assert json.loads(row.bcc) == ["eve@receiver.test"]
    assert row.subject == f"For {done.stand_in} and others"
    [content] = await stored(database, select(email_contents.c.text, email_contents.c.html))
    link = f"https://shop.test/?email={done.stand_in}&x=1"
    assert content.text == f"Mail {done.stand_in} or write to bob. {link}"
    assert content.html == (f'<a href="mailto:{done.stand_in}">{done.stand_in}</a><a href="{link}">x</a>')
    assert [row.address for row in await recipients_of(database, email)] == [
        *("bob@receiver.test", done.stand_in, "eve@receiver.test")
    ]


async def test_mail_that_waits_is_not_sent_to_the_address(erasing: Erasing, database: Database) -> None:
    """The others get it."""
    alone = await erasing.send_to_her_alone()
    both = await erasing.send_to_both()
    later = await erasing.send(NAMED, scheduled_at=erasing.clock.now_ms() + 3_600_000)
    await erasing.finish(await erasing.request())
    assert await status_of(database, alone) == await status_of(database, later) == "suppressed"
    assert [row.status for row in await recipients_of(database, both)] == ["queued", "suppressed", "queued"]
    assert {(row.email_id, row.no) for row in await queue_of(database)} == {(both.id, 1), (both.id, 3)}
    await deliver(erasing)
    assert [row.status for row in await recipients_of(database, both)] == [
        *("delivered", "suppressed", "delivered")
    ]


async def test_counters_stay(erasing: Erasing) -> None:
    await erasing.send_to_her_alone()
    await erasing.send_to_both()
    await deliver(erasing)
    await erasing.read_log()
    before = await erasing.mailing.stats(erasing.org_id)
    await erasing.finish(await erasing.request())
    after = await erasing.mailing.stats(erasing.org_id)
    assert (after.totals, after.by_status) == (before.totals, before.by_status)
    assert before.totals["bounced"] == 2


async def send_again(erasing: Erasing, *to: str) -> object:
    """The result of a new send."""
    given = {"from": f"shop@{domain_of(erasing.org_id)}", "subject": "Hello", "text": "Hi."}
    caller = KeyCaller(erasing.org_id, new_id(), "full")
    item = draft(pb.SendEmailRequest(to=to, **given), caller, erasing.clock.now_ms())
    acceptor = Acceptor(erasing.writer, erasing.clock, AcceptLoad(), Notifier(), Notifier())
    [result] = await acceptor.accept(Batch(erasing.org_id, [item], strict=False))  # type: ignore[misc]
    return result


async def test_nobody_can_write_to_the_address_again(erasing: Erasing, database: Database) -> None:
    """From the request on, and after the erasure; an address that only looks like it is another one."""
    row = await erasing.request()
    for _ in range(2):
        refused = await send_again(erasing, NAMED)
        assert getattr(refused, "reason", "") == "ALL_RECIPIENTS_SUPPRESSED"
        row = await erasing.finish(row)
    assert getattr(await send_again(erasing, BOB), "id", "")
    [kept] = await stored(database, select(suppressions))
    assert (kept.address, kept.expires_at) == (row.stand_in, None)


async def test_mail_of_another_organisation_stays(
    erasing: Erasing, database: Database, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = await Erasing(database, erasing.writer, tmp_path / "other").open()
    theirs = await other.send_to_her_alone()
    await erasing.send_to_her_alone()
    mine = await erasing.finish(await erasing.request())
    assert [row.address for row in await recipients_of(database, theirs)] == ["Ada.Lovelace@receiver.test"]
    assert getattr(await send_again(other, NAMED), "id", "")
    # The same address has another stand-in there: nobody can compare.
    assert (await other.request()).stand_in != mine.stand_in


async def test_attempt_that_was_cleared_before_the_request_is_stopped(
    erasing: Erasing, database: Database
) -> None:
    """The check before MAIL knows the erased address, also before the erasure has come to the email."""
    email = await erasing.send_to_her_alone()
    of_her = (email.org_id, email.id, 1)
    assert await database.read(clearance.refusals, [of_her], erasing.clock.now_ms()) == {}
    await erasing.request()
    refused = await database.read(clearance.refusals, [of_her], erasing.clock.now_ms())
    assert refused[of_her].verdict.name == "SUPPRESSED"


async def test_late_bounce_has_the_stand_in(erasing: Erasing, database: Database) -> None:
    email = await erasing.send_to_both()
    await erasing.mailing.settle(
        lambda each, loaded: attempt(each, loaded, DELIVERED, erasing.clock.now_ms())
    )
    done = await erasing.finish(await erasing.request())
    feedback = Feedback(email.org_id, email.id, done.stand_in, "complained", "", None)
    await erasing.writer.run(record, feedback, erasing.clock.now_ms())
    await erasing.read_log()
    assert await erasing.personal() == {}


async def test_captured_mail_is_deleted(erasing: Erasing) -> None:
    """With the copies for the others, whose headers name her."""
    both, other = await erasing.send_to_both(), await erasing.send(BOB)
    files = [erasing.captured / f"{email.id}.{no}.eml" for email in (both, other) for no in (1, 2)]
    for file in files:
        file.write_text(f"To: {ADA}")
    await erasing.finish(await erasing.request())
    assert [file.exists() for file in files] == [False, False, True, True]


async def test_complaint_weighs_on(erasing: Erasing, database: Database) -> None:
    """The origin stays; the row with the address goes."""
    complaint = NewSuppression(org_id=erasing.org_id, address=ADA, origin="complaint", created_at=0)
    await erasing.writer.run(add, [complaint])
    row = await erasing.finish(await erasing.request())
    [kept] = await stored(database, select(suppressions.c.address, suppressions.c.origin))
    assert (kept.address, kept.origin) == (row.stand_in, "complaint")


async def test_request_for_an_address_in_progress_returns_the_first(erasing: Erasing) -> None:
    first = await erasing.request()
    assert (await erasing.request()).id == first.id
    done = await erasing.finish(first)
    again = await erasing.request()
    assert (again.id != done.id, again.stand_in) == (True, done.stand_in)
    await erasing.finish(again)


async def test_number_of_erasures_in_progress_is_bounded(
    erasing: Erasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure_store, "MAX_RUNNING", 2)
    for number in range(2):
        await erasing.request(f"{number}@receiver.test")
    with pytest.raises(TooManyErasures):
        await erasing.request()


async def test_address_is_sealed_while_it_is_kept(erasing: Erasing, database: Database) -> None:
    await erasing.request()
    [row] = await stored(database, select(erasures))
    assert b"lovelace" not in str(row).encode()
    assert row.address is not None


async def test_number_of_different_recipients_stays(erasing: Erasing, database: Database) -> None:
    """It counts against the plan's limit; a second erasure of the address keeps it too."""
    rows = [
        {"org_id": erasing.org_id, "address": address, "month": month}
        for address, month in ((ADA, 1), (ADA, 2), (BOB, 2))
    ]
    await erasing.writer.run(Tx.change, insert(unique_recipients), rows)
    for again in (False, True):
        if again:
            await erasing.writer.run(Tx.change, insert(unique_recipients), rows[:1])
        row = await erasing.finish(await erasing.request())
        kept = await stored(database, select(unique_recipients.c.address, unique_recipients.c.month))
        assert sorted(kept) == sorted([(BOB, 2), (row.stand_in, 1), (row.stand_in, 2)])


async def test_logs_of_operators_do_not_name_the_address(erasing: Erasing) -> None:
    entry = {
        **dict.fromkeys(("method", "actor", "actor_name", "address"), ""),
        "id": new_id(),
        "at": 0,
        "org_id": erasing.org_id,
        "target_id": ADA,
        "actor_id": new_id(),
        "reason": f"{ADA} asked for it",
        "changes": json.dumps({"suppression": [ADA, None]}),
    }
    await erasing.writer.run(Tx.change, insert(operator_entries), entry)
    assert "operator_entries" in await erasing.personal()
    await erasing.finish(await erasing.request())
    assert await erasing.personal() == {}


async def test_events_of_a_contact_lose_its_address_and_name_however_many_there_are(
    erasing: Erasing, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of webhooks about them too, and the events of a deleted contact with the address."""
    monkeypatch.setattr(eraser, "ENTRIES", 2)
    await erasing.note()
    await erasing.writer.run(contact_store.remove, erasing.org_id, [ADA], 0)
    await erasing.note()
    await erasing.writer.run(contact_store.create, erasing.org_id, BOB, Changes("Bob"), [], 0)
    await erasing.read_log()
    done = await erasing.finish(await erasing.request())
    await erasing.read_log()
    assert await erasing.personal() == {}
    rows = await erasing.database.read(log.read, erasing.org_id, BEGINNING, 10)
    assert [(row.type, row.recipient) for row in rows] == [
        ("contact.created", done.stand_in),
        ("contact.deleted", done.stand_in),
        ("contact.created", done.stand_in),
        ("contact.created", BOB),
        ("contact.deleted", done.stand_in),
    ]
    bodies = [json.loads(row.body)["data"] for row in await stored(database, select(webhook_calls.c.body))]
    assert sorted((body["email"], body["first_name"]) for body in bodies) == sorted(
        [(BOB, "Bob"), *[(done.stand_in, "")] * 4]
    )
