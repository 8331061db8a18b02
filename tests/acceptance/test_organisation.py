"""The operator's decisions about organisations and plans, as callers see them (S-19, C-42, Z-25, Z-43)."""

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from server.admin.faults import OrganisationNotFound, PlanNotFound
from server.commands import organisation, plan
from server.settings import Settings, SettingsError
from tests.harness.organisations import parsed
from tests.harness.stack import Stack, StackError
from tests.harness.waiting import until_the_day_is_long


def _ask(
    stack: Stack, path: str, body: dict[str, Any] | None = None, token: str | None = None
) -> tuple[int, Any]:
    request = urllib.request.Request(
        stack.http + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token or stack.api_key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def _send(stack: Stack, to: str = "ok@example.net") -> tuple[int, Any]:
    return _ask(
        stack, "/v1/emails", {"from": f"a@{stack.domain}", "to": to, "subject": "Hello", "text": "Hi."}
    )


def _decide(stack: Stack, *options: str) -> dict[str, Any]:
    """The operator's decision, by the function of the command, while no server runs."""
    stack.stop_server()
    words = [stack.org_id, *options]
    standing = asyncio.run(organisation.change(parsed(organisation, words), Settings.from_env(stack.env)))
    stack.start_server()
    return standing


def test_operators_decisions_show_in_answers_to_callers(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.stop_server()
        printed = json.loads(stack.run("server", "organisation", stack.org_id, "--state", "paused"))
        assert printed["state"] == "paused"
        stack.start_server()
        status, refused = _send(stack)
        assert (status, refused["name"]) == (403, "validation_error")
        assert _ask(stack, "/v1/emails")[0] == 200
        assert _ask(stack, "/v1/usage")[1]["state"] == "paused"

        _decide(stack, "--state", "banned")
        for path in ("/v1/emails", "/v1/domains", "/v1/usage"):
            assert _ask(stack, path)[0] == 401
            assert _ask(stack, path, token=stack.jwt)[0] == 401
        assert _ask(stack, "/v1/emails", token=stack.other.api_key)[0] == 200

        _decide(stack, "--state", "healthy", "--sandbox", "on")
        status, refused = _send(stack)
        assert status == 403
        assert "owner@example.com" in refused["message"]
        assert _send(stack, "owner@example.com")[0] == 200

        _decide(stack, "--sandbox", "off", "--plan", "free", "--daily", "2", "--burst", "100")
        until_the_day_is_long()
        assert _send(stack)[0] == 200
        status, refused = _send(stack)
        assert (status, refused["name"]) == (429, "daily_quota_exceeded")
        assert refused["resetsAt"].endswith("T00:00:00.000Z")
        usage = _ask(stack, "/v1/usage")[1]
        assert (usage["plan"], usage["daily"]["used"], usage["daily"]["limit"]) == ("free", 2, 2)

        for options in (["--plan", "none"], ["--daily", "many"]):
            with pytest.raises(StackError):
                stack.run("server", "organisation", stack.org_id, *options)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (plan, "none"),
        (plan, "free --daily -1"),
        (plan, "free --daily 2147483648"),
        (plan, "free --attachments none"),
        (plan, "pro --paypal-plan P"),
        (plan, "pro --paypal-plan P-1/../2"),
        (organisation, "none"),
        (organisation, "none --daily 2147483648"),
    ],
)
async def test_invalid_limit_is_refused(
    sqlite_url: str, tmp_path: Path, command: ModuleType, words: str
) -> None:
    env = {"ZIDIMAIL_DATA_DIR": str(tmp_path), "ZIDIMAIL_DATABASE_URL": sqlite_url}
    with pytest.raises((SettingsError, PlanNotFound, OrganisationNotFound)):
        await command.change(parsed(command, words.split()), Settings.from_env(env))
