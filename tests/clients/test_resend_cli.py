"""Resend's command line works with only its URL and key changed (contract section D)."""

import asyncio
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.stack import Stack

RUN_WITHIN_S = 30

Cli = Callable[..., Awaitable[Any]]


@pytest.fixture
def cli(stack: Stack, node_modules: Path, tmp_path: Path) -> Cli:
    """Runs `resend ARGUMENTS --json`; returns what it printed, an error included."""
    env = os.environ | {
        "RESEND_BASE_URL": f"{stack.http}/v1",
        "RESEND_API_KEY": stack.api_key,
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
        # It tells nobody that it was used, and asks nobody for a newer one.
        "DO_NOT_TRACK": "1",
        "RESEND_NO_UPDATE_NOTIFIER": "1",
    }

    async def run(*arguments: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            *("node", str(node_modules / "resend-cli/dist/cli.cjs"), *arguments, "--json"),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        async with asyncio.timeout(RUN_WITHIN_S):
            out, err = await process.communicate()
        return json.loads(out or err)

    return run


async def test_emails_are_sent_rescheduled_canceled_and_shown(cli: Cli, stack: Stack, tmp_path: Path) -> None:
    sender = ("--from", f"Ada <ada@{stack.domain}>", "--to", "you@cli.example.org", "--subject", "By the CLI")
    file = tmp_path / "a.txt"
    file.write_text("hi")
    extras = ("--reply-to", "b@cli.example.org", "--attachment", str(file))
    sent = await cli("emails", "send", *sender, "--text", "Hi", *extras)
    shown = await cli("emails", "get", sent["id"])
    assert shown["reply_to"] == ["b@cli.example.org"]
    assert [each["filename"] for each in shown["attachments"]] == ["a.txt"]
    assert (await cli("emails", "list", "--limit", "1"))["data"][0]["id"] == sent["id"]

    tomorrow, after = ((datetime.now(UTC) + timedelta(days=days)).isoformat() for days in (1, 2))
    later = await cli("emails", "send", *sender, "--html", "<p>Hi</p>", "--scheduled-at", tomorrow)
    assert (await cli("emails", "update", later["id"], "--scheduled-at", after))["id"] == later["id"]
    assert (await cli("emails", "cancel", later["id"]))["id"] == later["id"]
    assert (await cli("emails", "get", later["id"]))["last_event"] == "canceled"

    emails = tmp_path / "emails.json"
    email = {"from": f"ada@{stack.domain}", "to": ["you@cli.example.org"], "subject": "Both", "text": "Hi"}
    emails.write_text(json.dumps([email, email]))
    assert len({each["id"] for each in await cli("emails", "batch", "--file", str(emails))}) == 2


async def test_domains_keys_and_webhooks_are_managed(cli: Cli) -> None:
    domain = await cli("domains", "create", "--name", "cli.example.org")
    assert {record["type"] for record in domain["records"]} == {"TXT", "MX"}
    assert domain["id"] in {each["id"] for each in (await cli("domains", "list"))["data"]}
    assert (await cli("domains", "verify", domain["id"]))["id"] == domain["id"]
    assert (await cli("domains", "update", domain["id"], "--tls", "enforced"))["id"] == domain["id"]
    assert (await cli("domains", "delete", domain["id"], "--yes"))["deleted"] is True

    # Other tests' keys may fill the first pages.
    page = await cli("api-keys", "list", "--limit", "100")
    names = {each["name"] for each in page["data"]}
    while page["has_more"]:
        page = await cli("api-keys", "list", "--limit", "100", "--after", page["data"][-1]["id"])
        names |= {each["name"] for each in page["data"]}
    assert "bootstrap" in names

    hook = ("--endpoint", "https://127.0.0.1:9/cli", "--events", "email.clicked")
    webhook = await cli("webhooks", "create", *hook)
    assert webhook["signing_secret"].startswith("whsec_")
    assert (await cli("webhooks", "get", webhook["id"]))["endpoint"] == "https://127.0.0.1:9/cli"
    assert (await cli("webhooks", "delete", webhook["id"], "--yes"))["deleted"] is True


async def test_cli_shows_the_message_of_an_error(cli: Cli) -> None:
    """Z-7: by `message`."""
    refused = await cli(
        *("emails", "send", "--from", "ada@elsewhere.example", "--to", "you@cli.example.org"),
        *("--subject", "No", "--text", "No"),
    )
    assert "elsewhere.example must be found in DNS" in refused["error"]["message"]
