"""Resend's Node SDK works with only its URL and key changed (contract section D)."""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clients.conftest import SOURCES
from tests.harness.stack import Stack

RUN_WITHIN_S = 60

# The methods of the SDK that map to a built feature, by the story that calls them; the others of these
# resources, and what only names the same thing twice.
STORIES: Mapping[str, frozenset[str]] = {
    "emails": frozenset(f"emails.{name}" for name in ("send", "get", "list", "update", "cancel")),
    "batch": frozenset({"batch.send"}),
    "domains": frozenset(
        f"domains.{name}" for name in ("create", "get", "list", "update", "verify", "remove")
    ),
    "apiKeys": frozenset(f"apiKeys.{name}" for name in ("create", "list", "update", "remove")),
    "webhooks": frozenset(
        f"webhooks.{name}"
        for name in (
            "create", "get", "list", "update", "remove", "rotateSigningSecret", "verify",
            "events.list", "events.get", "events.replay", "events.attempts.list",
        )
    ),
    "suppressions": frozenset(
        f"suppressions.{name}" for name in ("add", "get", "list", "remove", "batch.add", "batch.remove")
    ),
    "usage": frozenset({"usage.get"}),
    "contacts": frozenset(
        f"contacts.{name}"
        for name in (
            "create", "get", "list", "update", "remove", "segments.add", "segments.list", "segments.remove",
        )
    ),
    "segments": frozenset(f"segments.{name}" for name in ("create", "get", "list", "update", "remove")),
}  # fmt: skip
NOT_BUILT = frozenset({"emails.share", "emails.metrics"})
ALIASES = frozenset({"emails.create", "batch.create"})


async def test_every_method_of_the_sdk_is_tested(node_modules: Path) -> None:
    methods = await _run("methods", {"RESEND_API_KEY": "re_any"}, node_modules)
    assert methods == frozenset().union(*STORIES.values()) | NOT_BUILT | ALIASES


@pytest.mark.parametrize("story", STORIES)
async def test_resends_node_sdk_parses_every_answer(story: str, stack: Stack, node_modules: Path) -> None:
    """C-8 with `webhooks`: the verifiers of resend, svix and standardwebhooks accept our calls."""
    env = {
        "RESEND_BASE_URL": f"{stack.http}/v1",
        "RESEND_API_KEY": stack.api_key,
        "SESSION": stack.jwt,
        "DOMAIN_ID": stack.domain_id,
        "FROM": f"Ada <ada@{stack.domain}>",
    }
    assert await _run(story, env, node_modules) >= STORIES[story]


async def _run(story: str, env: Mapping[str, str], node_modules: Path) -> frozenset[str]:
    process = await asyncio.create_subprocess_exec(
        *("node", str(SOURCES / "resend.js"), story),
        env={**os.environ, "NODE_PATH": str(node_modules), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(RUN_WITHIN_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return frozenset(json.loads(out))
