"""List mail with its links to unsubscribe, and who follows them, on both engines (RFC 2369, RFC 8058)."""

from email.message import Message
from typing import Any

import orjson
import pytest
from sqlalchemy import delete, select
from zidimail.v1 import contacts_service_pb2 as pb

from server.accounts.faults import LinkNotValid
from server.contacts.unsubscribe_links import UnsubscribeLinks
from server.contacts.unsubscribing import Unsubscribing
from server.db.database import Database
from server.db.tables.contacts import contact_list_sends
from server.db.tables.emails import email_contents, recipients
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.work.notifier import Notifier
from tests.harness.rows import stored
from tests.store.accepting import CALLER, DOMAIN, OTHER
from tests.store.list_mailing import APP_URL, Mailing
from tests.store.shop import Shop

PAGES = f"<{APP_URL}/unsubscribe/"


class Recipients:
    """The recipients of a list, who follow the links in their mail."""

    def __init__(self, mailing: Mailing) -> None:
        self.mailing = mailing
        self._unsubscribing = Unsubscribing(
            mailing.database, mailing.writer, mailing.clock, Notifier(), mailing.links
        )

    async def contents(self) -> dict[str, Any]:
        """The stored content of each email, by the name of its recipient."""
        of_email = (recipients.c.org_id == email_contents.c.org_id) & (
            recipients.c.email_id == email_contents.c.email_id
        )
        rows = await stored(
            self.mailing.database, select(recipients.c.address, email_contents).join(recipients, of_email)
        )
        return {row.address.removesuffix("@list.test"): row for row in rows}

    async def headers(self, name: str) -> Message:
        """The headers of the email to one of them."""
        message = Message()
        for field, value in orjson.loads((await self.contents())[name].headers).items():
            message[field] = value
        return message

    async def token(self, name: str) -> str:
        """The token in the email to one of them."""
        link: str = (await self.headers(name))["list-unsubscribe"]
        assert link.startswith(PAGES)
        return link.removeprefix(PAGES).removesuffix(">")

    async def unsubscribe(self, token: str, *, dry_run: bool = False) -> tuple[str, str, bool]:
        """Follows a link: address, sender, unsubscribed."""
        response = await self._unsubscribing.unsubscribe(pb.UnsubscribeRequest(token=token, dry_run=dry_run))
        return response.email, getattr(response, "from"), response.unsubscribed


@pytest.fixture
async def list_of(database: Database, writer: Writer) -> Recipients:
    """A list with the members Ada and Bob."""
    mailing = await Mailing(database, writer).open()
    await mailing.members("ada", "bob")
    return Recipients(mailing)


async def test_each_email_has_a_link_of_its_own_for_one_click(list_of: Recipients) -> None:
    await list_of.mailing.begin()
    await list_of.mailing.work()
    tokens = {name: await list_of.token(name) for name in ("ada", "bob")}
    assert tokens["ada"] != tokens["bob"]
    for name, token in tokens.items():
        headers = await list_of.headers(name)
        assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert list_of.mailing.links.open(token).email == f"{name}@list.test"


async def test_own_header_of_the_caller_stays_alone(list_of: Recipients) -> None:
    own = {"list-UNSUBSCRIBE": "<mailto:out@list.test>"}
    await list_of.mailing.begin(headers=own)
    await list_of.mailing.work()
    assert dict((await list_of.headers("ada")).items()) == own


async def test_one_click_is_not_offered_without_https(list_of: Recipients) -> None:
    """RFC 8058 section 3.1."""
    mailing = list_of.mailing
    mailing.sender._links = UnsubscribeLinks("a secret", "http://127.0.0.1:8080")
    await mailing.begin()
    await mailing.work()
    [(name, value)] = (await list_of.headers("ada")).items()
    assert (name, value[:36]) == (
        "List-Unsubscribe",
        "<http://127.0.0.1:8080/unsubscribe/"[:36] + value[35:36],
    )


async def test_placeholder_stands_for_the_link(list_of: Recipients) -> None:
    await list_of.mailing.begin(
        html='<a href="{{unsubscribe_url}}">No more</a>', text="No more: {{ unsubscribe_url }}"
    )
    await list_of.mailing.work()
    content = (await list_of.contents())["ada"]
    url = f"{APP_URL}/unsubscribe/{await list_of.token('ada')}"
    assert content.html == f'<a href="{url}">No more</a>'
    assert content.text == f"No more: {url}"


async def test_added_headers_do_not_count_among_the_callers_own(list_of: Recipients) -> None:
    fifty = {f"X-{number}": "1" for number in range(50)}
    id = await list_of.mailing.begin(headers=fifty)
    await list_of.mailing.work()
    assert await list_of.mailing.outcome(id) == ("completed", 2, 0, 0, 0)
    assert len(await list_of.headers("ada")) == 52
    with pytest.raises(ValidationFailed):
        await list_of.mailing.begin(headers={**fifty, "X-50": "1"})


async def test_recipient_who_follows_the_link_gets_no_further_list_mail(list_of: Recipients) -> None:
    mailing = list_of.mailing
    first = await mailing.begin()
    await mailing.work()
    token, sender = await list_of.token("ada"), f"Acme <hello@{DOMAIN}>"
    assert await list_of.unsubscribe(token, dry_run=True) == ("ada@list.test", sender, False)
    assert await mailing.outcome(first) == ("completed", 2, 0, 0, 0)
    for dry_run in (False, False, True):
        assert await list_of.unsubscribe(token, dry_run=dry_run) == ("ada@list.test", sender, True)
    # Whatever the list.
    for list_id in (mailing.list_id, await mailing.list_with("ada")):
        second = await mailing.begin(contact_list_id=list_id)
        await mailing.work()
        assert (await mailing.get(second)).unsubscribed_count == 1
    assert await mailing.sent() == ["ada", "bob", "bob"]


async def test_trial_changes_nothing(list_of: Recipients) -> None:
    mailing = list_of.mailing
    await mailing.begin()
    await mailing.work()
    await list_of.unsubscribe(await list_of.token("ada"), dry_run=True)
    assert [row.unsubscribed for row in await mailing.shop.rows()] == [False, False]


async def test_contact_that_was_deleted_and_came_back_is_unsubscribed_too(list_of: Recipients) -> None:
    """A list that is replaced by imports does not make the links in earlier mail useless."""
    mailing = list_of.mailing
    await mailing.begin()
    await mailing.work()
    token = await list_of.token("ada")
    await mailing.shop.remove("ada@list.test")
    assert (await list_of.unsubscribe(token))[2] is False
    await mailing.members("ada")
    assert (await list_of.unsubscribe(token))[2] is True


async def test_link_works_when_its_send_is_no_longer_kept(list_of: Recipients) -> None:
    mailing = list_of.mailing
    await mailing.begin()
    await mailing.work()
    token = await list_of.token("ada")
    own = contact_list_sends.c.org_id == CALLER.org_id
    await mailing.writer.run(Tx.change, delete(contact_list_sends).where(own))
    assert await list_of.unsubscribe(token) == ("ada@list.test", "", True)


async def test_link_reaches_nobody_of_another_organisation(list_of: Recipients) -> None:
    mailing = list_of.mailing
    await mailing.add_organisation(OTHER)
    other = Shop(mailing.database, mailing.writer, OTHER.org_id)
    await other.add("ada@list.test")
    await mailing.begin()
    await mailing.work()
    await list_of.unsubscribe(await list_of.token("ada"))
    assert [row.unsubscribed for row in await other.rows()] == [False]
    assert {row.email: row.unsubscribed for row in await mailing.shop.rows()} == {
        "ada@list.test": True,
        "bob@list.test": False,
    }


async def test_token_that_nobody_sealed_unsubscribes_nobody(list_of: Recipients) -> None:
    mailing = list_of.mailing
    await mailing.begin()
    await mailing.work()
    token = await list_of.token("ada")
    foreign = UnsubscribeLinks("another secret", APP_URL).url(mailing.links.open(token))
    for wrong in ("", token[:-4], foreign.rpartition("/")[2]):
        with pytest.raises(LinkNotValid):
            await list_of.unsubscribe(wrong)
    assert not any(row.unsubscribed for row in await mailing.shop.rows())
