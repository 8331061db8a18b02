"""Programs that others wrote for Resend work with only their URL and key changed (contract section D)."""

import email
import email.policy
import json
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import commands
from tests.clients.programs.installed import INSTALLED, SOURCES, environment, running
from tests.clients.programs.mcp import Mcp
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

RUN_WITHIN_S = 60

Run = Callable[..., Any]


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    """Runs a program to its end; returns the JSON that it printed."""

    def run(*command: str) -> Any:
        printed = commands.run(*command, env=environment(stack, tmp_path), within=RUN_WITHIN_S)
        return json.loads(printed or "null")

    return run


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    """A client of the platform, to read what the programs did."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=f"{stack.http}/v1", headers=headers) as client:
        yield client


@pytest.fixture
def mcp(stack: Stack, tmp_path: Path) -> Iterator[Mcp]:
    """Resend's tool server, with a session."""
    command = (INSTALLED.node, str(INSTALLED.node_modules / "resend-mcp/dist/index.js"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with running(*command, env=environment(stack, tmp_path), **pipes) as process:
        yield Mcp(process)


def captured(stack: Stack, id: str) -> EmailMessage:
    """The mail that left for the first recipient, parsed."""
    path = stack.captured / f"{id}.1.eml"
    until_sync(path.exists)
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def an_email(stack: Stack, **fields: Any) -> str:
    """The arguments of the application's mail."""
    return json.dumps(
        {
            "from_email": f"Größe <django@{stack.domain}>",
            "to": [["Jörg Müller", "joerg@programs.example.org"]],
            "subject": "Ihre Rechnung über 12 €",
            "body": "Guten Tag.",
            "html": "<p>Guten Tag.</p>",
            **fields,
        }
    )


def test_django_sends_with_files_tags_and_metadata(run: Run, stack: Stack) -> None:
    extras = {
        "cc": ["copy@programs.example.org"],
        "reply_to": ["Jörg <answer@programs.example.org>"],
        "headers": {"X-Order": "7"},
        "tags": ["invoice"],
        "metadata": {"order": "7", "note": "two  blanks and Größe " * 40},
        "attachments": [["Rechnung Größe.csv", "a;b\n1;2\n", "text/csv"]],
    }
    statuses = run(INSTALLED.python, str(SOURCES / "django_app.py"), "send", an_email(stack, **extras))
    assert statuses.keys() == {"joerg@programs.example.org", "copy@programs.example.org"}
    ((status, id),) = {tuple(each) for each in statuses.values()}
    assert status == "queued"
    message = captured(stack, id)
    assert message["From"].addresses[0].display_name == "Größe"
    assert message["To"].addresses[0].display_name == "Jörg Müller"
    assert message["Reply-To"].addresses[0].addr_spec == "answer@programs.example.org"
    assert message["Subject"] == "Ihre Rechnung über 12 €"
    assert (message["X-Order"], json.loads(message["X-Tags"])) == ("7", ["invoice"])
    assert json.loads(message["X-Metadata"]) == extras["metadata"]
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "Rechnung Größe.csv"
    assert attachment.get_content().replace("\r\n", "\n") == "a;b\n1;2\n"


def test_django_merges_one_mail_for_each_recipient(run: Run, stack: Stack, api: httpx.Client) -> None:
    people = [[f"Nr. {n}", f"merge{n}@programs.example.org"] for n in range(3)]
    metadata = {address: {"person": name} for name, address in people}
    email = an_email(stack, to=people, merge_metadata=metadata)
    statuses = run(INSTALLED.python, str(SOURCES / "django_app.py"), "send", email)
    ids = {address: id for address, (_, id) in statuses.items()}
    assert len(set(ids.values())) == 3
    for name, address in people:
        assert json.loads(captured(stack, ids[address])["X-Metadata"]) == {"person": name}
        assert api.get(f"/emails/{ids[address]}").json()["to"] == [f'"{name}" <{address}>']


def test_djangos_tracking_view_takes_signed_events(
    run: Run, stack: Stack, api: httpx.Client, tmp_path: Path
) -> None:
    port = httpx.URL(stack.http).port  # of no view yet: the secret comes first
    hook = api.post(
        "/webhooks", json={"endpoint": f"http://127.0.0.1:{port}/", "events": ["email.delivered"]}
    )
    env = environment(stack, tmp_path, SIGNING_SECRET=hook.json()["signing_secret"])
    command = (INSTALLED.python, str(SOURCES / "django_app.py"), "track")
    with running(*command, env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout
        view = f"http://127.0.0.1:{int(process.stdout.readline())}/resend/tracking/"
        api.patch(f"/webhooks/{hook.json()['id']}", json={"endpoint": view}).raise_for_status()
        email = an_email(stack, tags=["invoice"], metadata={"order": "7"})
        statuses = run(INSTALLED.python, str(SOURCES / "django_app.py"), "send", email)
        event = json.loads(process.stdout.readline())
    api.delete(f"/webhooks/{hook.json()['id']}").raise_for_status()
    assert event["event_type"] == "delivered"
    assert [event["message_id"]] == [id for _, id in statuses.values()]
    assert event["recipient"] == "joerg@programs.example.org"
    assert (event["tags"], event["metadata"]) == (["invoice"], {"order": "7"})


def test_apprise_notifies_with_a_file(run: Run, stack: Stack, api: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "disk.log"
    file.write_text("full\n")
    key, sender, to = stack.api_key, f"apprise@{stack.domain}", "you@apprise.example.org"
    run(INSTALLED.python, str(SOURCES / "apprise_notify.py"), f"resend://{key}:{sender}/{to}", str(file))
    newest = api.get("/emails", params={"limit": 1, "search": to}).json()["data"][0]
    message = captured(stack, newest["id"])
    assert message["Subject"] == "Größe"
    assert [each.get_filename() for each in message.iter_attachments()] == ["disk.log"]


def test_nodemailer_sends_and_says_which_mistake_was_made(run: Run, stack: Stack) -> None:
    email = {
        "from": {"name": "Größe", "address": f"node@{stack.domain}"},
        "to": "Jörg <joerg@programs.example.org>",
        "cc": ["copy@programs.example.org"],
        "subject": "By nodemailer",
        "html": "<p>Hi</p>",
        "headers": {"X-Order": ["7", "8"]},
        "attachments": [{"filename": "a.txt", "content": "hi"}],
    }
    sent = run(INSTALLED.node, str(SOURCES / "nodemailer.cjs"), json.dumps(email))
    message = captured(stack, sent["id"])
    assert message["X-Order"] == "7, 8"
    assert [each.get_content() for each in message.iter_attachments()] == ["hi"]
    wrong = run(INSTALLED.node, str(SOURCES / "nodemailer.cjs"), json.dumps({**email, "to": "nobody"}))
    assert "to[0]" in wrong["error"]


def test_resends_command_line_subscribes_to_every_event_that_it_knows(run: Run) -> None:
    """C-59."""
    cli = (INSTALLED.node, str(INSTALLED.node_modules / "resend-cli/dist/cli.cjs"), "webhooks")
    endpoint = "https://127.0.0.1:9/cli-all"
    made = run(*cli, "create", "--endpoint", endpoint, "--events", "all", "--json")
    shown = run(*cli, "get", made["id"], "--json")
    assert len(shown["events"]) == len(set(shown["events"])) >= 17
    assert run(*cli, "delete", made["id"], "--yes", "--json")["deleted"] is True


def test_resends_tool_server_sends_and_shows(mcp: Mcp, stack: Stack) -> None:
    subject = f"By a tool {uuid.uuid4()}"
    sent = mcp.call(
        "send-email",
        **{"from": f"Tool <tool@{stack.domain}>", "to": ["you@programs.example.org"], "subject": subject},
        text="Hi",
        html="<p>Hi</p>",
        tags=[{"name": "kind", "value": "tool"}],
        idempotencyKey=subject,
    )
    (id,) = set(re.findall(r"\b[0-9a-f]{24}\b", sent))
    assert subject in mcp.call("get-email", id=id)
    assert id in mcp.call("list-emails", limit=5)
    assert captured(stack, id)["Subject"] == subject


def test_resends_tool_server_subscribes_to_every_event_that_it_knows(mcp: Mcp) -> None:
    """C-59."""
    events = mcp.tools()["create-webhook"]["properties"]["events"]["items"]["enum"]
    made = mcp.call("create-webhook", endpoint="https://127.0.0.1:9/mcp-all", events=events)
    (id,) = set(re.findall(r"\b[0-9a-f]{24}\b", made))
    shown = mcp.call("get-webhook", webhookId=id)
    assert all(event in shown for event in events)
    mcp.call("remove-webhook", webhookId=id)
