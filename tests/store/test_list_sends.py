"""Sends to lists in the store, on both engines (contract row Z-55)."""

import asyncio

import pytest
from sqlalchemy import select, update

from server.contacts import store
from server.contacts.list_sender import CHUNK, ListSender
from server.contacts.store import Changes
from server.db.database import Database
from server.db.tables.domains import domains
from server.db.tables.emails import email_contents, emails
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.accept import Acceptor
from server.work.backpressure import AcceptLoad
from server.work.jobs import Moved
from server.work.notifier import Notifier
from tests.harness.rows import stored
from tests.store.accepting import CALLER, DOMAIN
from tests.store.list_mailing import Mailing


@pytest.fixture
async def mailing(database: Database, writer: Writer) -> Mailing:
    """An organisation with a list without members."""
    return await Mailing(database, writer).open()


async def test_each_member_gets_one_email_and_the_unsubscribed_and_suppressed_none(mailing: Mailing) -> None:
    await mailing.members("ada", "bob", "cleo", "dan")
    await mailing.suppress("bob@list.test")
    await mailing.writer.run(
        store.change, CALLER.org_id, "cleo@list.test", None, Changes(unsubscribed=True), 0
    )
    id = await mailing.begin(subject="News")
    await mailing.work()
    assert await mailing.outcome(id) == ("completed", 2, 1, 1, 0)
    assert await mailing.sent() == ["ada", "dan"]
    # As any emails, they count and are delivered; they are found by the id of the send.
    assert (await mailing.used()).day_count == 2
    rows = await stored(mailing.database, select(emails.c.job_id, emails.c.subject, emails.c.status))
    assert [tuple(row) for row in rows] == [(id, "News", "queued")] * 2


async def test_placeholders_are_those_of_each_member_and_escaped_in_html(mailing: Mailing) -> None:
    await mailing.shop.add("eve@list.test", mailing.list_id, changes=Changes("<b>Eve</b> & {{email}}", '"X"'))
    await mailing.begin(
        subject="For {{ name }}",
        html='<p title="{{last_name}}">{{first_name}}</p>',
        text="{{name}} <{{email}}>",
    )
    await mailing.work()
    [email] = await stored(mailing.database, select(emails.c.subject))
    assert email.subject == 'For <b>Eve</b> & {{email}} "X"'
    [content] = await stored(mailing.database, select(email_contents.c.html, email_contents.c.text))
    assert content.html == '<p title="&quot;X&quot;">&lt;b&gt;Eve&lt;/b&gt; &amp; {{email}}</p>'
    assert content.text == '<b>Eve</b> & {{email}} "X" <eve@list.test>'


async def test_large_list_is_sent_to_once_although_two_servers_send(
    database: Database, writer: Writer
) -> None:
    """Both read each step; the step of one of them is refused. On SQLite one process writes."""
    mailing = await Mailing(database, writer).open()
    emails_of = [f"user-{number:03}@list.test" for number in range(2 * CHUNK + 5)]
    for email in emails_of:
        await mailing.shop.add(email, mailing.list_id)
    id = await mailing.begin()
    second = writer if database.is_sqlite else Writer(database)
    if second is not writer:
        second.start()
    acceptor = Acceptor(second, mailing.clock, AcceptLoad(), Notifier(), Notifier())
    other = ListSender(database, second, mailing.clock, acceptor, mailing.links)
    while (await mailing.get(id)).status == "sending":
        await asyncio.gather(mailing.sender.step(), other.step())
    assert await mailing.outcome(id) == ("completed", 2 * CHUNK + 5, 0, 0, 0)
    assert [f"{name}@list.test" for name in await mailing.sent()] == emails_of
    if second is not writer:
        await second.close()


async def test_step_of_a_server_that_was_overtaken_stores_nothing(mailing: Mailing) -> None:
    await mailing.members("ada", "bob")
    id = await mailing.begin()
    old = await mailing.get(id)
    await mailing.work()
    with pytest.raises(Moved):
        await mailing.sender._advance(old)
    assert await mailing.sent() == ["ada", "bob"]
    assert await mailing.outcome(id) == ("completed", 2, 0, 0, 0)


async def test_canceled_send_accepts_no_further_email(mailing: Mailing) -> None:
    for number in range(CHUNK + 1):
        await mailing.shop.add(f"user-{number:03}@list.test", mailing.list_id)
    id = await mailing.begin()
    await mailing.sender.step()
    assert await mailing.outcome(id) == ("sending", CHUNK, 0, 0, 0)
    read_before = await mailing.get(id)
    for _ in range(2):
        assert (await mailing.sends.cancel(CALLER.org_id, id)).status == "canceled"
    with pytest.raises(Moved):
        await mailing.sender._advance(read_before)
    await mailing.work()
    assert await mailing.outcome(id) == ("canceled", CHUNK, 0, 0, 0)
    assert len(await mailing.sent()) == CHUNK


async def test_canceling_leaves_a_completed_send_as_it_is(mailing: Mailing) -> None:
    await mailing.members("ada")
    id = await mailing.begin()
    await mailing.work()
    before = await mailing.get(id)
    mailing.clock.advance(60)
    after = await mailing.sends.cancel(CALLER.org_id, id)
    assert (after.status, after.completed_at) == ("completed", before.completed_at)


async def test_send_waits_for_the_next_second_at_the_burst_limit(database: Database, writer: Writer) -> None:
    """Z-43."""
    mailing = await Mailing(database, writer).open(burst_limit=3)
    await mailing.members(*"abcdefg")
    id = await mailing.begin()
    counts = []
    for _ in range(4):
        await mailing.work()
        row = await mailing.get(id)
        counts.append((row.status, row.accepted_count, row.reason))
        mailing.clock.advance(1)
    reason = "BURST_LIMIT_EXCEEDED"
    assert counts == [
        ("waiting", 3, reason),
        ("waiting", 6, reason),
        ("completed", 7, ""),
        ("completed", 7, ""),
    ]
    assert await mailing.sent() == [*"abcdefg"]


async def test_members_behind_one_that_waits_are_not_written_to_again(
    database: Database, writer: Writer
) -> None:
    """C-2: those who had mail this month use no place among the different recipients."""
    mailing = await Mailing(database, writer).open(unique_limit=3)
    await mailing.members(*"abcde")
    for name in "de":
        first = await mailing.begin(contact_list_id=await mailing.list_with(name))
        await mailing.work()
        assert await mailing.outcome(first) == ("completed", 1, 0, 0, 0)
    id = await mailing.begin()
    await mailing.work()
    assert await mailing.outcome(id) == ("waiting", 3, 0, 0, 0)
    assert (await mailing.get(id)).reason == "RECIPIENT_CAP_EXCEEDED"
    assert await mailing.sent() == ["a", "d", "d", "e", "e"]
    await mailing.set_organisation(unique_limit=None)
    row = await mailing.get(id)
    assert row.due_at is not None
    mailing.clock.advance((row.due_at - mailing.clock.now_ms()) / 1000)
    await mailing.work()
    assert await mailing.outcome(id) == ("completed", 5, 0, 0, 0)
    assert await mailing.sent() == ["a", "b", "c", "d", "d", "e", "e"]


@pytest.mark.parametrize("limit", ["daily_limit", "unique_limit"])
async def test_send_goes_on_soon_after_its_limit_was_raised(
    database: Database, writer: Writer, limit: str
) -> None:
    """The owner of the list changes to a larger plan, and does not wait for the next day or month."""
    mailing = await Mailing(database, writer).open(**{limit: 2})
    await mailing.members(*"abcd")
    id = await mailing.begin()
    await mailing.work()
    assert await mailing.outcome(id) == ("waiting", 2, 0, 0, 0)
    await mailing.set_organisation(**{limit: 3})
    mailing.clock.advance(600)
    await mailing.work()
    assert await mailing.outcome(id) == ("waiting", 3, 0, 0, 0)
    await mailing.set_organisation(**{limit: None})
    mailing.clock.advance(600)
    await mailing.work()
    assert await mailing.outcome(id) == ("completed", 4, 0, 0, 0)
    assert await mailing.sent() == [*"abcd"]


async def test_send_of_a_paused_organisation_waits(mailing: Mailing) -> None:
    await mailing.members("ada")
    id = await mailing.begin()
    await mailing.set_organisation(state="paused")
    await mailing.work()
    assert await mailing.outcome(id) == ("waiting", 0, 0, 0, 0)
    await mailing.set_organisation(state="healthy")
    await mailing.work()
    assert await mailing.sent() == []
    mailing.clock.advance(600)
    await mailing.work()
    assert await mailing.outcome(id) == ("completed", 1, 0, 0, 0)


async def test_send_of_a_banned_organisation_fails(mailing: Mailing) -> None:
    await mailing.members("ada", "bob")
    id = await mailing.begin()
    await mailing.set_organisation(state="banned")
    await mailing.work()
    assert await mailing.outcome(id) == ("failed", 0, 0, 0, 0)


async def test_send_whose_domain_is_no_longer_verified_fails(mailing: Mailing) -> None:
    await mailing.members("ada")
    id = await mailing.begin()
    await mailing.writer.run(
        Tx.change, update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=False)
    )
    await mailing.work()
    row = await mailing.get(id)
    assert (row.status, row.reason) == ("failed", "DOMAIN_NOT_VERIFIED")
    assert DOMAIN in row.message
    assert await mailing.sent() == []


async def test_refused_email_fails_alone(database: Database, writer: Writer) -> None:
    """Z-25: in the sandbox only the owner is written to."""
    mailing = await Mailing(database, writer).open(sandbox=True)
    await mailing.members("ada")
    await mailing.shop.add("owner@example.com", mailing.list_id)
    await mailing.members("bob")
    id = await mailing.begin()
    await mailing.work()
    assert await mailing.outcome(id) == ("completed", 1, 0, 0, 2)
    assert (await mailing.get(id)).reason == "SANDBOX_RECIPIENT"
    assert await mailing.sent() == ["owner@example.com"]


async def test_members_are_those_of_the_beginning_without_those_who_have_left(mailing: Mailing) -> None:
    await mailing.members("ada", "bob", "cleo")
    id = await mailing.begin()
    await mailing.members("dan")
    await mailing.writer.run(store.remove_member, CALLER.org_id, mailing.list_id, "bob@list.test", 0)
    await mailing.shop.remove("cleo@list.test")
    await mailing.work()
    row = await mailing.get(id)
    assert (row.status, row.member_count, row.accepted_count) == ("completed", 3, 1)
    assert await mailing.sent() == ["ada"]


async def test_send_to_a_list_that_is_deleted_is_canceled(mailing: Mailing) -> None:
    await mailing.members("ada")
    id = await mailing.begin()
    other = await mailing.begin(contact_list_id=await mailing.list_with("ada"))
    await mailing.remove_list()
    assert await mailing.outcome(id) == ("canceled", 0, 0, 0, 0)
    await mailing.work()
    assert await mailing.outcome(id) == ("canceled", 0, 0, 0, 0)
    assert await mailing.outcome(other) == ("completed", 1, 0, 0, 0)


async def test_send_that_waits_ends_with_its_list(mailing: Mailing) -> None:
    """Whoever looks sees it at once; a send that has ended stays as it is."""
    ended = await mailing.begin()
    await mailing.work()
    await mailing.set_organisation(daily_limit=1)
    await mailing.members("ada", "bob")
    id = await mailing.begin()
    await mailing.work()
    assert (await mailing.get(id)).status == "waiting"
    await mailing.remove_list()
    row = await mailing.get(id)
    assert (row.status, row.accepted_count, row.completed_at) == ("canceled", 1, mailing.clock.now_ms())
    assert (await mailing.get(ended)).status == "completed"


async def test_send_to_nobody_completes(mailing: Mailing) -> None:
    id = await mailing.begin()
    await mailing.work()
    assert await mailing.outcome(id) == ("completed", 0, 0, 0, 0)
