"""A log that stands still is seen: in `/readyz`, the log and the metrics."""

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.harness.ledger import store
from tests.harness.postgres import Postgres
from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until

pytestmark = pytest.mark.timeout(300)
READERS = ("statistics", "webhooks.fan_out")


async def test_readers_that_stand_still_are_named_until_they_go_on(
    tmp_path: Path, postgres: Postgres
) -> None:
    url = await postgres.new_database()
    with Stack(tmp_path / "data", database_url=url) as stack:
        async with Rest(stack.http) as rest, Rest(stack.metrics) as metrics:

            async def warning() -> str:
                return " ".join((await rest.get("/readyz")).body.get("warnings", []))

            async def figures() -> str:
                return (await metrics.get("/metrics")).content.decode()

            async def named() -> bool:
                said = await warning()
                return all(name in said for name in READERS)

            assert await warning() == ""
            with store(url) as other:
                other.execute(text("LOCK TABLE log_heads IN ACCESS EXCLUSIVE MODE"))
                await until(named, message=stack.log_tails)
                page = await figures()
                assert all(f'standstill_seconds{{reader="{name}"}} 0.0' not in page for name in READERS)
                assert "a reader of the event log stands still" in stack.log("server")

            async def goes_on() -> bool:
                return await warning() == ""

            await until(goes_on, message=stack.log_tails)
            page = await figures()
            assert all(f'standstill_seconds{{reader="{name}"}} 0.0' in page for name in READERS)
    postgres.drop_database(url)
