"""Two servers share a PostgreSQL, and the time of day of one is wrong (C-93): it does no harm."""

import asyncio
import re
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from server.ids import ms_of
from tests.faults.clients import NEVER_PAUSED
from tests.harness.ledger import store
from tests.harness.rest import Rest
from tests.harness.smtp_sink import SmtpSink
from tests.harness.stack import Replica, Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink
from tests.harness.wrong_clock import WrongClock

pytestmark = pytest.mark.timeout(600)

AHEAD_S = 90
# Shorter than the clocks are apart, and long enough for a busy machine to renew it.
LEASE_S = 20
MAILS, BATCH = 120, 30
SCHEDULED_IN_S = 15
OPEN_CALLS = "webhook_calls WHERE due_at IS NOT NULL"
# The time for which an organisation with a limit of one email a second sends, and its senders at each server.
BURST_S, SENDERS = 6, 2
# Seconds between an act and the time that is stored for it, on a busy machine.
LATE_S = 30


@pytest.mark.parametrize("steps", [(AHEAD_S,), (0, -AHEAD_S)], ids=["ahead", "stepped back"])
async def test_server_with_a_wrong_clock_does_no_harm(
    steps: tuple[int, ...], tmp_path: Path, postgres_url: str
) -> None:
    env = {"ZIDIMAIL_LEASE_SECONDS": str(LEASE_S), "ZIDIMAIL_UNCERTAIN_DELAY_SECONDS": "1", **NEVER_PAUSED}
    (tmp_path / "second").mkdir()
    clock = WrongClock(tmp_path / "second", steps[0])
    async with SmtpSink(keep=False) as sink, WebhookSink() as hooks:
        transport = f"smtp://127.0.0.1:{sink.port}"
        first = Stack(tmp_path / "first", transport=transport, database_url=postgres_url, env=env)
        async with _running(first):
            second = Replica(first, tmp_path / "second")
            second.env |= env | clock.env
            async with _running(second):
                await _check(first, second, clock, steps, sink, hooks)


@asynccontextmanager
async def _running(stack: Stack) -> AsyncIterator[None]:
    try:
        await asyncio.to_thread(stack.start)
        yield
    except BaseException:
        print(stack.log_tails())
        raise
    finally:
        await asyncio.to_thread(stack.stop)


async def _check(
    first: Stack,
    second: Stack,
    clock: WrongClock,
    steps: tuple[int, ...],
    sink: SmtpSink,
    hooks: WebhookSink,
) -> None:
    async with (
        Rest(first.http, first.api_key) as right,
        Rest(second.http, first.api_key) as wrong,
        Rest(first.http, first.other.api_key) as other_right,
        Rest(second.http, first.other.api_key) as other_wrong,
    ):
        hook = {"url": f"{hooks.url}/pause-2", "events": ["email.delivered"]}
        assert (await right.post("/v1/webhooks", hook)).status == 201
        due = time.time() + SCHEDULED_IN_S
        for rest, name in ((right, "right"), (wrong, "wrong")):
            at = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds")
            later = {**_mail(first, f"scheduled+{name}@site.test"), "scheduled_at": at}
            assert (await rest.post("/v1/emails", later)).status == 200
        early = asyncio.create_task(_until_scheduled_came(sink, due))

        sent: list[str] = []
        for number in range(MAILS // BATCH):
            clock.set(steps[number * len(steps) * BATCH // MAILS])
            # Each is held for a second and a half: others wait with a lease meanwhile.
            to = [f"hang-rcpt-1.5+{number * BATCH + n}@site{n % 4}.test" for n in range(BATCH)]
            sent += to
            answer = await (right, wrong)[number % 2].post(
                "/v1/emails/batch", [_mail(first, address) for address in to]
            )
            assert answer.status == 200, answer.content
            ids = [it["id"] for it in answer.body["data"]]
            assert all(abs(ms_of(id) / 1000 - time.time()) < LATE_S for id in ids)

        await _check_burst(first, other_right, other_wrong)
        await _check_times(first, right, wrong)
        await until(lambda: all(sink.accepted[to] for to in sent), within=180, message=first.log_tails)
        await early
        await until(lambda: not _open(first, "delivery_queue"), within=60)
        await until(lambda: len(hooks.calls) >= MAILS and not _open(first, OPEN_CALLS), within=180)

        assert {to: times for to in sent if (times := sink.accepted[to]) != 1} == {}
        calls = Counter(call.headers["webhook-id"] for call in hooks.calls)
        assert {id: times for id, times in calls.items() if times != 1} == {}
        usage: dict[str, Any] = (await wrong.get("/v1/usage")).body
        assert usage == (await right.get("/v1/usage")).body
        await _check_signs(second, steps[-1])


async def _until_scheduled_came(sink: SmtpSink, due: float) -> None:
    for name in ("right", "wrong"):
        to = f"scheduled+{name}@site.test"
        await until(lambda to=to: sink.accepted[to], within=180, message="scheduled mail never came")  # type: ignore[misc]
        assert time.time() >= due, f"{due - time.time():.1f} s early"


async def _check_burst(stack: Stack, right: Rest, wrong: Rest) -> None:
    """A limit of one email a second is that of both servers together."""
    with store(stack.database_url) as connection:
        connection.execute(
            text("UPDATE organisations SET burst_limit = 1 WHERE org_id = :org_id"),
            {"org_id": stack.other.org_id},
        )
    mail = {**_mail(stack, "ok@site.test"), "from": f"a@{stack.other.domain}"}
    begun = time.time()

    async def send(rest: Rest) -> Counter[int]:
        statuses: Counter[int] = Counter()
        while time.time() - begun < BURST_S:
            statuses[(await rest.post("/v1/emails", mail)).status] += 1
        return statuses

    counts = await asyncio.gather(*(send(rest) for rest in (right, wrong) for _ in range(SENDERS)))
    statuses = sum(counts, Counter())
    seconds = int(time.time()) - int(begun) + 1
    assert set(statuses) == {200, 429}, statuses
    assert statuses[200] <= seconds, (statuses, seconds)


async def _check_times(stack: Stack, right: Rest, wrong: Rest) -> None:
    """Stored times are those of the database, and sessions hold at both servers."""
    for rest in (right, wrong):
        answer = await rest.post("/v1/emails", _mail(stack, "ok@site.test"))
        shown = (await right.get(f"/v1/emails/{answer.body['id']}")).body["created_at"]
        assert abs(datetime.fromisoformat(shown).timestamp() - time.time()) < LATE_S
    login = {"email": "owner@example.com", "password": stack.owner.password}
    for rest in (right, wrong):
        answer = await rest.post("/v1/auth/login", login)
        assert answer.status == 200, answer.content
        token = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
        for either in (right, wrong):
            me = await either.call("GET", "/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
            assert me.status == 200, me.content


async def _check_signs(stack: Stack, ahead_s: int) -> None:
    """The server stays ready and says that its clock is wrong: there, in a metric and in its log."""

    def shown() -> bool:
        with urllib.request.urlopen(f"{stack.metrics}/metrics", timeout=10) as answer:
            offset = re.search(r"^zidimail_clock_offset_seconds (\S+)", answer.read().decode(), re.MULTILINE)
        assert offset is not None
        return abs(float(offset[1]) - ahead_s) < 2

    await until(lambda: asyncio.to_thread(shown), message="the metric is wrong")
    async with Rest(stack.http) as rest:
        ready = await rest.get("/readyz")
    direction = "ahead of" if ahead_s > 0 else "behind"
    assert ready.status == 200
    [warning] = ready.body["warnings"]
    assert re.search(rf"\b(89|9[01]) s {direction} the database's", warning), warning
    assert stack.log("server").count("the clock of this machine is wrong") == 1


def _mail(stack: Stack, to: str) -> dict[str, Any]:
    return {"from": f"shop@{stack.domain}", "to": [to], "subject": "Your order", "text": "Thank you."}


def _open(stack: Stack, rows: str) -> bool:
    with store(stack.database_url) as connection:
        return bool(connection.scalar(text(f"SELECT count(*) FROM {rows}")))
