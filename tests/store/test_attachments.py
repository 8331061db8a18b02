"""Attachments: kept until the email is settled, fetched if they are links, within the plan (Z-20 to Z-23)."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import select
from zidimail.v1 import email_service_pb2 as pb

from server.account_health.faults import AccountPaused
from server.db.database import Database
from server.db.tables.emails import attachment_parts, attachments, emails
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails import transitions
from server.emails.attachments import Links
from server.emails.batch import Answer, Batch
from server.emails.faults import AttachmentsTooLarge, DomainNotVerified, IdempotencyKeyReused
from server.emails.parts import PART
from server.emails.prospects import Prospects
from server.emails.store import AttachmentRow
from server.emails.transitions import Transition
from server.faults import Fault, ValidationFailed
from server.ids import new_id
from server.net.dns import Resolver
from server.net.http import GuardedClient
from server.settings import Settings
from server.wire.caller import KeyCaller
from tests.harness.rows import own_rows, own_value, own_values
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink, page
from tests.store.accepting import CALLER, Accepting, send_request

MIB = 2**20
ATTACHMENT = tuple(attachments.c[name] for name in AttachmentRow._fields)


class Linking(Accepting):
    """An acceptor that fetches links before, as the servicer does."""

    def __init__(self, database: Database, writer: Writer, links: Links) -> None:
        super().__init__(database, writer)
        self.links = links

    async def accept(self, batch: Batch) -> Answer | Fault:
        async with self.links.fetched(batch):
            return await super().accept(batch)

    async def files(self) -> list["StoredFile"]:
        """The attachments in the order of their emails and numbers."""
        return await self.database.read(files)


class StoredFile(NamedTuple):
    """An attachment, with its content if that is kept."""

    email_id: str
    no: int
    filename: str
    content_type: str
    content_id: str
    size: int
    content: bytes | None


def files(tx: Tx) -> list[StoredFile]:
    rows = own_rows(tx, AttachmentRow, select(*ATTACHMENT).order_by(attachments.c.email_id, attachments.c.no))
    return [StoredFile(*row, content_of(tx, row)) for row in rows]


def content_of(tx: Tx, file: AttachmentRow) -> bytes | None:
    query = select(attachment_parts.c.content).where(
        attachment_parts.c.email_id == file.email_id, attachment_parts.c.no == file.no
    )
    parts = own_values(tx, bytes, query.order_by(attachment_parts.c.part))
    return b"".join(parts) if parts else None


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    async with WebhookSink() as sink:
        sink.pages["/a.csv"] = page(b"a,b\n", Content_Type="text/csv; charset=utf-8")
        yield sink


@pytest.fixture
async def linking(database: Database, writer: Writer) -> AsyncIterator[Linking]:
    resolver = Resolver(Settings(Path(), "sqlite://", "secret"))
    client = GuardedClient(resolver, allow_private_networks=True, user_agent="test/1", total_s=0.5)
    linking = Linking(database, writer, None)  # type: ignore[arg-type]
    linking.links = Links(Prospects(database, linking.clock), client)
    await linking.add_organisation(CALLER)
    await linking.verify(CALLER, "mail.example.com")
    yield linking
    await linking.links.stop()
    await resolver.close()


def file(name: str = "a.bin", content: bytes = b"abc", **fields: Any) -> pb.NewAttachment:
    return pb.NewAttachment(filename=name, content=content, **fields)


def link(url: str, name: str = "a.bin", **fields: Any) -> pb.NewAttachment:
    return pb.NewAttachment(filename=name, path=url, **fields)


async def test_attachments_are_stored_beside_the_email(linking: Linking) -> None:
    (result,) = await linking.results(
        send_request(attachments=[file(" b.pdf "), file("a.png", b"\x00\xff", content_id="<logo>")])
    )
    assert await linking.files() == [
        (result.id, 1, "b.pdf", "application/pdf", "", 3, b"abc"),
        (result.id, 2, "a.png", "image/png", "logo", 2, b"\x00\xff"),
    ]
    attached = await linking.database.read(own_value, int, select(delivery_queue.c.attached))
    assert attached is not None
    assert attached >= 5


async def test_a_large_file_is_stored_in_parts(linking: Linking) -> None:
    """B7: no step copies more than a part."""
    content = os.urandom(2 * PART + 1)
    await linking.results(send_request(attachments=[file(content=content)]))
    (stored,) = await linking.files()
    assert (stored.content, stored.size) == (content, len(content))
    assert await linking.count(attachment_parts) == 3


async def test_embedded_and_linked_attachments_may_be_mixed(linking: Linking, sink: WebhookSink) -> None:
    """Z-20, Z-22: the type of a link is the caller's, the response's, or the name's."""
    sink.pages["/unknown"] = page(b"x", Content_Type="application/octet-stream")
    await linking.results(
        send_request(
            attachments=[
                link(f"{sink.url}/a.csv", "list.txt"),
                file(),
                link(f"{sink.url}/a.csv", content_type="text/plain"),
                link(f"{sink.url}/unknown", "a.pdf"),
            ]
        )
    )
    assert [(row.content, row.content_type) for row in await linking.files()] == [
        (b"a,b\n", "text/csv; charset=utf-8"),
        (b"abc", "application/octet-stream"),
        (b"a,b\n", "text/plain"),
        (b"x", "application/pdf"),
    ]


@pytest.mark.parametrize("path", ["404", "hang", "drop", "redirect?to=http://169.254.169.254/"])
async def test_link_that_cannot_be_fetched_is_refused_by_field(
    linking: Linking, sink: WebhookSink, path: str
) -> None:
    (result,) = await linking.results(send_request(attachments=[file(), link(f"{sink.url}/{path}")]))
    assert isinstance(result, ValidationFailed)
    assert [violation.field for violation in result.violations] == ["attachments[1].path"]
    assert await linking.count(emails) == 0


async def test_link_to_a_forbidden_address_is_not_fetched(linking: Linking) -> None:
    for url in ("ftp://files.example.com/a", "http://169.254.169.254/", "nonsense"):
        (result,) = await linking.results(send_request(attachments=[link(url)]))
        assert isinstance(result, ValidationFailed)


@pytest.mark.parametrize(("name", "limit"), [("free", 5 * MIB), ("pro", 25 * MIB)])
async def test_plan_limits_attachment_bytes(
    linking: Linking, sink: WebhookSink, name: str, limit: int
) -> None:
    """Z-21, C-1: downloaded bytes count like the others, to the byte."""
    await linking.set_organisation(plan=name, burst_limit=1000)
    sink.pages["/4"] = page(b"1234")
    almost = file(content=bytes(limit - 4))
    fits, embedded, fetched, endless = await linking.results(
        send_request(attachments=[almost, link(f"{sink.url}/4")]),
        send_request(attachments=[almost, file(content=b"12345")]),
        send_request(attachments=[almost, file(content=b"1"), link(f"{sink.url}/4")]),
        send_request(attachments=[file(), link(f"{sink.url}/endless")]),
    )
    assert isinstance(fits, pb.SendEmailResponse)
    for fault in (embedded, fetched, endless):
        assert isinstance(fault, AttachmentsTooLarge)
        assert fault.metadata == {"limit": str(limit), "plan": name}
    assert await linking.count(emails) == 1


async def test_repeated_send_gets_its_answer_without_fetching_the_link(
    linking: Linking, sink: WebhookSink
) -> None:
    """F-1: nothing is fetched again; the hash is that of the request as it was given."""
    request = send_request(attachments=[link(f"{sink.url}/a.csv")], idempotency_key="k")
    (first,) = await linking.results(request)
    sink.pages["/a.csv"] = page(b"", status="404 Not Found")
    (again,) = await linking.results(request)
    assert (again.id, again.replayed, sink.count) == (first.id, True, 1)
    (other,) = await linking.results(
        send_request(attachments=[link(f"{sink.url}/a.csv?other")], idempotency_key="k")
    )
    assert isinstance(other, IdempotencyKeyReused)
    assert sink.count == 1


async def test_repeated_batch_fetches_no_link(linking: Linking, sink: WebhookSink) -> None:
    """F-1."""
    request = send_request(attachments=[link(f"{sink.url}/a.csv")])
    await linking.send(request, request, key="k")
    again = await linking.send(request, request, key="k")
    assert isinstance(again, pb.BatchSendEmailsResponse)
    assert again.replayed
    assert sink.count == 2


async def test_no_link_is_fetched_for_an_email_that_will_be_refused(
    linking: Linking, sink: WebhookSink
) -> None:
    """C-41."""
    files = [link(f"{sink.url}/a.csv")]
    (unverified,) = await linking.results(send_request(attachments=files, **{"from": "a@else.example.com"}))
    assert isinstance(unverified, DomainNotVerified)
    (large,) = await linking.results(send_request(attachments=[file(content=bytes(25 * MIB + 1)), *files]))
    assert isinstance(large, AttachmentsTooLarge)
    await linking.set_organisation(state="paused")
    (paused,) = await linking.results(send_request(attachments=files))
    assert isinstance(paused, AccountPaused)
    assert sink.count == 0


async def test_one_bad_link_of_a_batch_fails_alone(linking: Linking, sink: WebhookSink) -> None:
    bad, good, strict = f"{sink.url}/404", f"{sink.url}/a.csv", True
    refused, sent, plain = await linking.results(
        send_request(attachments=[link(bad)]), send_request(attachments=[link(good)]), send_request()
    )
    assert isinstance(refused, ValidationFailed)
    assert {type(sent), type(plain)} == {pb.SendEmailResponse}
    await linking.results(send_request(), send_request(attachments=[link(bad)]), strict=strict)
    assert await linking.count(emails) == 2


async def test_attachment_content_is_deleted_with_the_last_open_recipient(
    linking: Linking, writer: Writer
) -> None:
    """Z-23."""
    (first, _) = await linking.results(
        *[send_request(to=["a@example.net", "b@example.net"], attachments=[file()])] * 2
    )
    kept = []
    for no, status in ((1, "delivered"), (2, "delivery_delayed"), (2, "bounced")):
        change = Transition(CALLER.org_id, first.id, no, status)
        await writer.run(transitions.apply, [change], linking.clock.now_ms())
        kept.append([(row.size, row.content) for row in await linking.files()])
    assert kept == [[(3, b"abc"), (3, b"abc")]] * 2 + [[(3, None), (3, b"abc")]]


async def test_links_that_drip_keep_no_memory_from_other_organisations(
    linking: Linking, sink: WebhookSink
) -> None:
    """25 calls of each of two organisations; a third one's link is fetched while theirs still drip."""
    patient = GuardedClient(
        Resolver(Settings(Path(), "sqlite://", "secret")), allow_private_networks=True, user_agent="test/1"
    )
    linking.links = Links(Prospects(linking.database, linking.clock), patient)
    callers = [KeyCaller(new_id(), new_id(), "full") for _ in range(3)]
    for number, caller in enumerate(callers):
        await linking.add_organisation(caller, plan="free", burst_limit=1000)
        await linking.verify(caller, f"d{number}.example.com")

    def sent(number: int, path: str) -> pb.SendEmailRequest:
        sender = {"from": f"a@d{number}.example.com"}
        return send_request(**sender, attachments=[link(f"{sink.url}{path}")])

    dripping = [
        asyncio.create_task(linking.results(sent(number, "/wait"), caller=callers[number]))
        for number in (0, 1)
        for _ in range(25)
    ]
    await until(lambda: len(sink.at("/wait")) >= 30)
    [result] = await linking.results(sent(2, "/a.csv"), caller=callers[2])
    assert isinstance(result, pb.SendEmailResponse)
    assert not any(task.done() for task in dripping)
    for task in dripping:
        task.cancel()
    await asyncio.gather(*dripping, return_exceptions=True)
