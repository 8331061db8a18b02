"""An account is paused by real bounces, and comes back by an operator (S-19, S-20, C-43, C-69)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.harness.rest import Answer, Rest
from tests.harness.smtp_sink import SmtpSink
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink

SUPPORT = "https://support.example.com/appeal"
ENV = {"ZIDIMAIL_SUPPORT_URL": SUPPORT, "ZIDIMAIL_HEALTH_LEAST_SENT": "50"}
TYPES = ["account.review", "account.paused", "account.healthy"]
WHY = "Too many of the addresses that it wrote to do not exist."


class Account:
    """The owner's account over REST."""

    def __init__(self, stack: Stack, rest: Rest) -> None:
        self.rest = rest
        self._from = f"shop@{stack.domain}"
        self._sent = 0

    def email(self, local_part: str, domain: str | None = None, **fields: Any) -> dict[str, Any]:
        """An email to a new address, by default: those that bounced are suppressed."""
        self._sent += 1
        to = f"{local_part}@{domain or f'r{self._sent}.test'}"
        return {"from": self._from, "to": to, "subject": "Hello", "text": "Hi.", **fields}

    async def send(self, *local_parts: str, domain: str | None = None) -> None:
        """Sends an email to each, in one batch."""
        emails = [self.email(local_part, domain) for local_part in local_parts]
        answer = await self.rest.post("/v1/emails/batch", emails)
        assert answer.status == 200, answer

    async def health(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self.rest.get("/v1/account/health")).body
        return answer

    async def has(self, **rates: int) -> dict[str, Any]:
        """The health, once the rates have these counts."""

        async def read() -> dict[str, Any] | None:
            health = await self.health()
            return health if health["rates"].items() >= rates.items() else None

        return await until(read, message=f"the rates never were {rates}")


async def test_account_is_paused_by_its_bounces_and_comes_back_by_an_operator(tmp_path: Path) -> None:
    async with SmtpSink() as sink, WebhookSink() as hooks:
        with Stack(tmp_path, transport=sink.url, env=ENV) as stack:
            async with Rest(stack.http, stack.api_key) as rest:
                account = Account(stack, rest)
                await subscribe(rest, hooks)
                await only_refused_mailboxes_count(stack, account)
                await bounces_pause_it(account)
                await it_may_do_all_but_send(account)
                await its_webhooks_are_called(hooks, "account.review", "account.paused")
            stack.stop_server()
            note = "The list is clean now."
            words = ("account-state", stack.org_id, "review", "--note", note, "--by", "eve")
            decided = json.loads(stack.run("server", *words))
            assert [change["operator"] for change in decided["history"]] == ["eve", "", ""]
            stack.start_server()
            async with Rest(stack.http, stack.api_key) as rest:
                account = Account(stack, rest)
                await it_may_send_again(account, sink, note)
                await its_webhooks_are_called(hooks, "account.review", "account.paused", "account.review")


async def subscribe(rest: Rest, hooks: WebhookSink) -> None:
    for format in ("zidimail", "zsend"):
        fields = {"url": f"{hooks.url}/200/{format}", "events": TYPES, "format": format}
        created = await rest.post("/v1/webhooks", fields)
        assert (created.status, created.body["format"]) == (201, format), created


async def only_refused_mailboxes_count(stack: Stack, account: Account) -> None:
    """C-58, C-60: neither test mail, nor the simulator, nor a refusal of the content."""
    async with Rest(stack.http, stack.jwt) as session:
        key = await session.post("/v1/api-keys", {"name": "test", "test": True})
    async with Rest(stack.http, key.body["key"]) as testing:
        emails = [account.email("bounced", "simulator.test") for _ in range(20)]
        assert (await testing.post("/v1/emails/batch", emails)).status == 200
    await account.send(*(f"bounced+{number}" for number in range(30)), domain="simulator.test")
    await account.send(*["550-data"] * 15, *["550-dot"] * 15, *["ok"] * 20)
    health = await account.has(sent=50)
    assert health["state"] == "healthy"
    assert (health["rates"]["delivered"], health["rates"]["bounced"]) == (20, 0)


async def bounces_pause_it(account: Account) -> None:
    await account.send(*["550-rcpt"] * 2)
    health = await account.has(sent=52, bounced=2)
    assert (health["state"], health["reasons"]) == ("review", ["bounce_rate"])
    assert health["rates"]["bounce_rate"] == 2 / 52
    assert health["heals_at"] > health["since"]
    waiting = await account.rest.post("/v1/emails", account.email("ok", scheduled_at="in 1 hour"))
    assert waiting.status == 200
    await account.send("550-rcpt")
    health = await account.has(sent=53, bounced=3)
    assert (health["state"], health["reasons"], health["heals_at"]) == ("paused", ["bounce_rate"], None)
    assert [(change["previous_state"], change["state"]) for change in health["history"]] == [
        ("review", "paused"),
        ("healthy", "review"),
    ]


async def it_may_do_all_but_send(account: Account) -> None:
    rest = account.rest
    email = account.email("ok")
    listed = {**email, "to": [email["to"]]}
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    refused: list[Answer] = [
        await rest.post("/v1/emails", email),
        await rest.post("/v1/emails", {**email, "scheduled_at": "in 1 hour"}),
        await rest.post("/v1/emails/batch", [email]),
        await rest.post("/v1/batch-jobs", {"emails": [email]}),
        await rest.post("/api/v1/zsend/emails", listed),
        await rest.post("/api/v1/zsend/emails/schedule", {**listed, "scheduled_at": later}),
        await rest.post("/api/v1/zsend/emails/batch", {"emails": [listed]}),
    ]
    for answer in refused:
        assert answer.status == 403, answer
        assert WHY in answer.body["message"]
        assert SUPPORT in str(answer.body)
    [waiting] = (await rest.get("/v1/emails?status=scheduled")).body["data"]
    moved = await rest.call("PATCH", f"/v1/emails/{waiting['id']}", {"scheduled_at": "in 2 hours"})
    assert moved.status == 200, moved
    assert (await rest.post(f"/v1/emails/{waiting['id']}/cancel", {})).status == 200
    assert (await rest.post("/v1/domains", {"domain": "later.example.com"})).status == 201
    shown = await rest.get(f"/api/v1/zsend/emails/{waiting['id']}")
    assert shown.body["mal_status"] == "paused"
    events = (await rest.get("/v1/events?types=account.review&types=account.paused")).body["data"]
    assert [event["type"] for event in events] == ["account.review", "account.paused"]
    assert events[1]["account"]["rates"]["bounced"] == 3


async def its_webhooks_are_called(hooks: WebhookSink, *types: str) -> None:
    """Both formats have every change; calls may overtake each other."""

    def are_called() -> bool:
        return all(len(hooks.at(f"/200/{format}")) == len(types) for format in ("zidimail", "zsend"))

    await until(are_called, message=f"the webhooks were not called about {types}")
    plain = [call.json() for call in hooks.at("/200/zidimail")]
    assert sorted(body["type"] for body in plain) == sorted(types)
    paused = next(body for body in plain if body["type"] == "account.paused")
    assert paused["data"]["state"] == "paused"
    assert paused["data"]["reasons"] == ["bounce_rate"]
    zsend = {call.headers["x-zsend-event"]: call.json() for call in hooks.at("/200/zsend")}
    assert set(zsend) == set(types)
    assert zsend["account.paused"]["account"] == {"status": "paused"}


async def it_may_send_again(account: Account, sink: SmtpSink, note: str) -> None:
    """The bounces that led to the pause do not count again."""
    health = await account.health()
    assert (health["state"], health["reasons"], health["note"]) == ("review", [], note)
    assert health["rates"]["sent"] == 0
    before = len(sink.messages)
    await account.send("ok")
    await until(lambda: len(sink.messages) == before + 1)
    health = await account.has(sent=1, delivered=1)
    [change, *_] = health["history"]
    assert (change["change"]["by_operator"], change["change"]["rates"]["bounced"]) == (True, 3)
