"""Every built operation of Resend's OpenAPI document answers as documented there (section D).

The document names no field as required; here all are, since its generated clients read them all.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.clients import decoders as need
from tests.clients.decoders import decode
from tests.harness.stack import Stack

FROM = "ada@mail.example.com"
EMAIL = {"from": FROM, "to": ["you@documented.example.org"], "subject": "As documented", "html": "<p>Hi</p>"}
LATER = {"scheduled_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
HOOK = "https://127.0.0.1:9/documented"


@dataclass(frozen=True)
class Operation:
    """One operation; `{name}` in its path is an object that was made before, and is its own."""

    call: str
    form: Any
    body: Any = None
    status: int = 200
    session: bool = False
    """A key may not make keys (Z-4)."""

    def __str__(self) -> str:
        return self.call


OPERATIONS = [
    Operation("POST /emails", need.Identified, EMAIL),
    Operation("POST /emails/batch", need.Data[need.Identified], [EMAIL, EMAIL]),
    Operation("GET /emails", need.Listed[need.ListedEmail]),
    Operation("GET /emails/{email}", need.Email),
    Operation("PATCH /emails/{email}", need.Named, LATER),
    Operation("POST /emails/{email}/cancel", need.Named),
    Operation("POST /domains", need.Domain, {"name": "made.documented.example.org"}, 201),
    Operation("GET /domains", need.Listed[need.ListedDomain]),
    Operation("GET /domains/{domain}", need.Domain),
    Operation("PATCH /domains/{domain}", need.Named, {"open_tracking": True, "tls": "enforced"}),
    Operation("POST /domains/{domain}/verify", need.Named),
    Operation("DELETE /domains/{domain}", need.Deleted),
    Operation("POST /api-keys", need.Token, {"name": "k", "permission": "sending_access"}, 201, session=True),
    Operation("GET /api-keys", need.Listed[need.ApiKey]),
    Operation("PATCH /api-keys/{key}", need.Named, {"name": "renamed"}, session=True),
    Operation("DELETE /api-keys/{key}", need.Deleted, session=True),
    Operation("POST /webhooks", need.MadeWebhook, {"endpoint": HOOK, "events": ["email.clicked"]}, 201),
    Operation("GET /webhooks", need.Listed[need.Webhook]),
    Operation("GET /webhooks/{webhook}", need.Webhook),
    Operation("PATCH /webhooks/{webhook}", need.Named, {"events": ["email.opened"], "status": "disabled"}),
    Operation("DELETE /webhooks/{webhook}", need.Deleted),
    Operation("POST /suppressions", need.Named, {"email": "made@documented.example.org"}, 201),
    Operation("GET /suppressions", need.Listed[need.Suppression]),
    Operation("GET /suppressions/{suppression}", need.Suppression),
    Operation("DELETE /suppressions/{suppression}", need.Deleted),
    Operation("POST /suppressions/batch/add", need.Data[need.Named], {"emails": ["a@example.org"]}),
    Operation("POST /suppressions/batch/remove", need.Data[need.Deleted], {"emails": ["a@example.org"]}),
    Operation("GET /usage", need.Usage),
]


@pytest.fixture
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    async with httpx.AsyncClient(base_url=f"{stack.http}/v1", headers=headers, timeout=20) as api:
        yield api


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_an_operation_answers_as_documented(
    operation: Operation, api: httpx.AsyncClient, stack: Stack
) -> None:
    session = {"Authorization": f"Bearer {stack.jwt}"}
    method, path = operation.call.split()
    if "{" in path:
        kind = path[path.index("{") + 1 : path.index("}")]
        path = path.replace(f"{{{kind}}}", await made(api, kind, operation, session))
    headers = session if operation.session else {}
    answer = await api.request(method, path, json=operation.body, headers=headers)
    assert answer.status_code == operation.status, answer.text
    decode(operation.form, answer.json())


async def made(api: httpx.AsyncClient, kind: str, operation: Operation, session: dict[str, str]) -> str:
    """The id of an object that no other operation has changed."""
    name = f"{OPERATIONS.index(operation)}.documented.example.org"
    path, body = {
        "email": ("/emails", EMAIL | LATER),
        "domain": ("/domains", {"name": name}),
        "key": ("/api-keys", {"name": name}),
        "webhook": ("/webhooks", {"endpoint": f"{HOOK}/{name}", "events": ["email.clicked"]}),
        "suppression": ("/suppressions", {"email": f"gone@{name}"}),
    }[kind]
    answer = await api.post(path, json=body, headers=session if kind == "key" else {})
    assert answer.is_success, answer.text
    return str(answer.json()["id"])
