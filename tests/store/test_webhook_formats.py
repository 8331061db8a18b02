"""The body of a call is in the format of its webhook, on both engines."""

from collections.abc import Mapping

import orjson
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from server.db.database import Database
from server.db.tables.webhooks import webhook_calls, webhooks
from server.db.writer import Writer
from server.ids import new_id
from server.webhooks import history, store
from server.webhooks.fan_out import FanOut
from server.webhooks.formats.format import Format
from server.webhooks.formats.table import FORMATS
from server.webhooks.store import NewWebhook
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.harness.clock import START_MS, ManualClock
from tests.harness.happenings import happen
from tests.harness.rows import stored
from tests.harness.webhook_format import ShortFormat, with_short_format

ORG = new_id()


async def register(writer: Writer, format: str | None = None) -> str:
    """A webhook for `email.sent`; without a format it has that of every new webhook."""
    new = NewWebhook(ORG, new_id(), "https://hooks.example.com/", ["email.sent"], b"sealed", START_MS)
    await writer.submit(store.add, [new])
    if format is not None:
        change = (
            update(webhooks).where(webhooks.c.org_id == ORG, webhooks.c.id == new.id).values(format=format)
        )
        await writer.run(lambda tx: tx.change(change))
    return new.id


async def fan_out(database: Database, writer: Writer, formats: Mapping[str, Format]) -> None:
    reader = FanOut(database, writer, ManualClock(), Notifier(), Notifier(), Backpressure(), formats=formats)
    while await reader.step():
        pass


async def bodies(database: Database, webhook_id: str) -> list[object]:
    """The bodies of a webhook's calls, oldest first."""
    query = select(webhook_calls.c.body).where(webhook_calls.c.webhook_id == webhook_id)
    return [orjson.loads(row.body) for row in await stored(database, query.order_by("event_id"))]


async def test_each_webhook_gets_bodies_in_its_own_format(database: Database, writer: Writer) -> None:
    plain, short = await register(writer), await register(writer, "short")
    email_id = await happen(writer, ORG, "email.sent")
    await fan_out(database, writer, with_short_format(ShortFormat()))
    assert await bodies(database, short) == [{"event": "sent", "email": {"id": email_id}}]
    (body,) = await bodies(database, plain)
    assert isinstance(body, dict)
    assert (body["type"], body["data"]["email_id"]) == ("email.sent", email_id)


async def test_an_event_is_rendered_once_for_all_webhooks_of_a_format(
    database: Database, writer: Writer
) -> None:
    ids = [await register(writer, "short") for _ in range(3)]
    short = ShortFormat()
    await happen(writer, ORG, "email.sent")
    await fan_out(database, writer, with_short_format(short))
    assert len(short.rendered) == 1
    assert [len(await bodies(database, id)) for id in ids] == [1, 1, 1]


async def test_a_webhook_of_an_unknown_format_holds_up_no_other(database: Database, writer: Writer) -> None:
    """It gets no calls; the log names each event that it misses."""
    unknown, known = await register(writer, "short"), await register(writer)
    await happen(writer, ORG, "email.sent")
    await happen(writer, ORG, "email.sent")
    with capture_logs() as logs:
        await fan_out(database, writer, FORMATS)
    errors = [log for log in logs if log["log_level"] == "error"]
    assert [(error["org_id"], error["format"]) for error in errors] == [(ORG, "short")] * 2
    assert len({error["event_id"] for error in errors}) == 2
    assert await bodies(database, unknown) == []
    assert len(await bodies(database, known)) == 2


async def test_a_test_call_is_in_the_format_of_its_webhook(database: Database, writer: Writer) -> None:
    plain, short = await register(writer), await register(writer, "short")
    formats = with_short_format(ShortFormat())
    for webhook_id in (plain, short):
        await writer.run(history.add_test, (ORG, webhook_id), new_id(), START_MS, formats)
    assert await bodies(database, short) == [{"event": "test", "webhook": short, "timestamp": START_MS}]
    (body,) = await bodies(database, plain)
    assert isinstance(body, dict)
    assert (body["type"], body["data"]["webhook_id"], body["data"]["test"]) == ("webhook.test", plain, True)


async def test_a_test_call_in_an_unknown_format_is_an_error(database: Database, writer: Writer) -> None:
    unknown = await register(writer, "short")
    with pytest.raises(KeyError, match="short"):
        await writer.run(history.add_test, (ORG, unknown), new_id(), START_MS)
    assert await bodies(database, unknown) == []
