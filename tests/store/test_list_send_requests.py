"""Requests to send to lists, on both engines (contract rows Z-55, F-1)."""

import asyncio
from typing import Any

import pytest

from server.contacts.faults import ContactListNotFound, ContactListSendNotFound
from server.db.database import Database
from server.db.writer import Writer
from server.emails.faults import DomainNotVerified, IdempotencyKeyReused, InvalidIdempotencyKey
from server.faults import ValidationFailed
from server.ids import new_id
from tests.store.accepting import OTHER
from tests.store.list_mailing import STRANGER, Mailing


@pytest.fixture
async def mailing(database: Database, writer: Writer) -> Mailing:
    """An organisation with a list without members."""
    return await Mailing(database, writer).open()


async def test_same_idempotency_key_begins_one_send(mailing: Mailing) -> None:
    await mailing.members("ada")
    ids = await asyncio.gather(*(mailing.begin(idempotency_key="key") for _ in range(4)))
    assert len({*ids}) == 1
    with pytest.raises(IdempotencyKeyReused):
        await mailing.begin(idempotency_key="key", subject="Other")
    assert await mailing.begin() not in ids
    await mailing.work()
    assert await mailing.sent() == ["ada", "ada"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"subject": "{{nmae}}"}, "{{nmae}}"),
        ({"html": "<p>{{ unsubscribe_link }}</p>"}, "{{unsubscribe_link}}"),
        ({"text": ""}, "html"),
        ({"subject": "a\nBcc: b@example.org"}, "subject"),
        ({"from": "nobody"}, "from"),
        ({"reply_to": ["nobody"]}, "reply_to"),
        ({"headers": {"Bcc": "x@example.org"}}, "headers"),
    ],
)
async def test_wrong_email_is_refused_before_the_send_begins(
    mailing: Mailing, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await mailing.begin(**fields)
    assert named in refused.value.message


async def test_other_requests_that_cannot_be_done_are_refused(mailing: Mailing) -> None:
    with pytest.raises(DomainNotVerified):
        await mailing.begin(**{"from": "a@unverified.example.com"})
    with pytest.raises(InvalidIdempotencyKey):
        await mailing.begin(idempotency_key="")
    for list_id in ("x", new_id()):
        with pytest.raises(ContactListNotFound):
            await mailing.begin(contact_list_id=list_id)


async def test_send_of_another_organisation_is_not_seen(mailing: Mailing) -> None:
    id = await mailing.begin()
    await mailing.add_organisation(OTHER)
    await mailing.verify(OTHER, "other.example.com")
    with pytest.raises(ContactListSendNotFound):
        await mailing.sends.get(OTHER.org_id, id)
    with pytest.raises(ContactListSendNotFound):
        await mailing.sends.cancel(OTHER.org_id, id)
    with pytest.raises(ContactListNotFound):
        await mailing.begin(STRANGER, **{"from": "a@other.example.com"})
    assert (await mailing.get(id)).status == "sending"
