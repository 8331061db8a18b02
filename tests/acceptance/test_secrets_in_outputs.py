"""Logs, terminals and errors of the platform never show a word that customers store and send."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import aiohttp
import grpc.aio
import pytest

from server.db.engines import engine_of
from tests.harness.postgres import Postgres
from tests.harness.smtp_client import Reply, SmtpClient
from tests.harness.stack import ROOT, Stack

MARK = "marked7f3ac1"
BODY, ADDRESS, SECRET = f"body-{MARK}", f"{MARK}@example.org", f"secret-{MARK}"
# Tables whose rows hold what customers write, and where the first statement of a call fails.
TABLES = [
    "emails",
    "email_contents",
    "email_tags",
    "attachments",
    "attachment_parts",
    "recipients",
    "idempotency_keys",
    "suppressions",
    "webhooks",
    "domains",
    "api_keys",
    "events",
    "delivery_queue",
]


class OnTerminal(Stack):
    """A stack whose programs write to a terminal, as an operator's first start does."""

    def _spawn(self, name: str, *arguments: str, env: Mapping[str, str] | None) -> None:
        ours, theirs = os.openpty()
        self._processes[name] = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=self.env | {"TERM": "xterm", "COLUMNS": "500"} | dict(env or {}),
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        path = self._logs / f"{name}.log"
        threading.Thread(target=_copy, args=(ours, path), daemon=True).start()


def _copy(terminal: int, path: Path) -> None:
    # The terminal fails to be read when its last program has ended.
    with path.open("ab", buffering=0) as log, contextlib.suppress(OSError):
        while data := os.read(terminal, 65536):
            log.write(data)
    os.close(terminal)


@pytest.fixture(params=["sqlite, terminal", "postgresql, terminal", "postgresql, file"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    engine, _, output = request.param.partition(", ")
    kind = OnTerminal if output == "terminal" else Stack
    if engine == "sqlite":
        with kind(tmp_path) as stack:
            stack.start_relay()
            yield stack
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database(request.getfixturevalue("postgres_template"))
    with kind(tmp_path, database_url=url) as stack:
        stack.start_relay()
        yield stack
    postgres.drop_database(url)


@contextlib.contextmanager
def failing(stack: Stack, table: str) -> Iterator[None]:
    """Lets the store refuse every new row of a table, and every changed one."""
    engine = engine_of(stack.database_url)
    if engine.dialect.name == "sqlite":
        spoil = [
            f"CREATE TRIGGER spoilt_{act} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'spoilt'); END"
            for act in ("INSERT", "UPDATE")
        ]
        mend = [f"DROP TRIGGER spoilt_{act}" for act in ("INSERT", "UPDATE")]
    else:
        spoil = [f"ALTER TABLE {table} ADD CONSTRAINT spoilt CHECK (false) NOT VALID"]
        mend = [f"ALTER TABLE {table} DROP CONSTRAINT spoilt"]
    for statements in (spoil, mend):
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        if statements is spoil:
            yield
    engine.dispose()


def posts(stack: Stack) -> list[tuple[str, str, object, str]]:
    """Requests with marked values: verb, path, JSON and credential."""
    email = {
        "from": f"{MARK} <{MARK}@{stack.domain}>",
        "to": [ADDRESS],
        "subject": BODY,
        "html": f"<p>{BODY}</p>",
        "text": BODY,
        "headers": {"X-Mark": BODY},
        "tags": {"mark": BODY},
        "attachments": [{"filename": f"{MARK}.txt", "content": "bWFya2Vk"}],
    }
    webhook = {"url": f"http://127.0.0.1:9/{SECRET}?token={SECRET}", "events": ["email.sent"]}
    key = stack.api_key
    return [
        ("POST", "/v1/emails", email, key),
        ("POST", "/v1/emails", email, f"{key[:-12]}{MARK}"),
        ("POST", "/v1/emails", email, SECRET),
        ("POST", "/v1/emails/batch", {"emails": [email, email | {"to": [f"{MARK}@@"]}]}, key),
        ("POST", "/v1/emails", b'{"html": "' + BODY.encode(), key),
        ("POST", "/v1/suppressions", {"email": ADDRESS}, key),
        ("GET", f"/v1/suppressions/{ADDRESS}", None, key),
        ("DELETE", f"/v1/suppressions/{ADDRESS}", None, key),
        ("GET", f"/v1/emails?search={BODY}&to={ADDRESS}", None, key),
        ("GET", f"/v1/{BODY}/{ADDRESS}", None, key),
        ("POST", "/v1/webhooks", webhook, key),
        ("POST", "/v1/domains", {"domain": f"{MARK}.example.com"}, key),
        ("POST", "/v1/api-keys", {"name": BODY}, stack.jwt),
    ]


async def call_everything(stack: Stack, mark: str) -> list[tuple[int, str]]:
    """The statuses and bodies of all answers, over REST; gRPC gets a message that is none as well.

    `mark` makes the sends new ones.
    """
    answers = []
    async with aiohttp.ClientSession() as session:
        for verb, path, body, credential in posts(stack):
            headers = {
                "authorization": f"Bearer {credential}",
                "content-type": "application/json",
                "idempotency-key": f"{MARK}-{mark}-{len(answers)}",
            }
            sent = {"data": body} if isinstance(body, bytes) else {"json": body} if body else {}
            async with session.request(verb, stack.http + path, headers=headers, **sent) as answer:  # type: ignore[arg-type]
                answers.append((answer.status, await answer.text()))
    async with stack.channel() as channel:
        rpc = channel.unary_unary("/zidimail.v1.EmailService/SendEmail")
        with contextlib.suppress(grpc.aio.AioRpcError):
            await rpc(BODY.encode(), metadata=(("authorization", f"Bearer {SECRET}"),))
    return answers


def call_by_smtp(stack: Stack, mark: str) -> list[Reply]:
    """The replies of the relay to marked commands and messages."""
    sender = f"{MARK}@{stack.domain}"
    mail = (
        f"From: {sender}\r\nTo: {ADDRESS}\r\nSubject: {BODY}\r\nX-Mark: {BODY}\r\n"
        f"X-ZidiMail-Tag: mark={BODY}\r\nIdempotency-Key: {MARK}-smtp-{mark}\r\n\r\n{BODY}"
    ).encode()
    with SmtpClient(stack.smtp_port) as client:
        replies = [client.greeted(MARK), client.login(f"{stack.api_key[:-12]}{MARK}"), client.login(SECRET)]
        replies += [client.command(f"{MARK} {ADDRESS}"), client.login(stack.api_key)]
        replies += [client.command(f"MAIL FROM:<{ADDRESS}>"), client.command("RSET")]
        replies.append(client.deliver(sender, [ADDRESS], mail))
        replies.append(client.deliver(sender, [ADDRESS], b"X-ZidiMail-" + mail))
    return replies


@pytest.mark.timeout(900)
async def test_no_output_holds_what_customers_wrote(stack: Stack) -> None:
    failed = failed_by_smtp = 0
    for table in [None, *TABLES]:
        spoilt = failing(stack, table) if table else contextlib.nullcontext()
        with spoilt:
            for status, text in await call_everything(stack, table or ""):
                assert stack.api_key not in text
                if status >= 500:
                    failed += 1
                    assert MARK not in text
            for reply in await asyncio.to_thread(call_by_smtp, stack, table or ""):
                assert stack.api_key not in reply.text
                if reply.status == "4.3.0":
                    failed_by_smtp += 1
                    assert MARK not in reply.text
    assert failed >= 10
    assert failed_by_smtp >= 5
    await asyncio.to_thread(stack.stop)
    logs = {path.name: path.read_text(errors="replace") for path in (stack.data_dir / "logs").glob("*.log")}
    assert "Traceback" in logs["server.log"]
    # The half of a key after its id is its secret.
    for secret in (MARK, stack.api_key.rpartition("_")[2], stack.jwt.rpartition(".")[2], stack.edge_secret):
        for name, text in logs.items():
            lines = [line for line in text.splitlines() if secret in line]
            assert not lines, (name, lines[0][:2000])
