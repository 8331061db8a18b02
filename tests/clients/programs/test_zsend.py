"""Programs written for Zeabur Email work with only their URL and key changed (contract section B)."""

import json
from pathlib import Path

import httpx

from tests.clients import commands
from tests.clients.programs.installed import INSTALLED, SOURCES, environment
from tests.harness.stack import Stack

RUN_WITHIN_S = 60


def test_the_documented_calls_run_under_node(stack: Stack, tmp_path: Path) -> None:
    """S-3, S-11, S-13, S-21: a refused send that is repeated has no effect."""
    file = tmp_path / "document.pdf"
    file.write_bytes(b"%PDF-1.7")
    base = f"{stack.http}/api/v1/zsend"
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    listed = httpx.get(f"{base}/emails", headers=headers).json()["total"]
    command = (
        INSTALLED.node,
        str(SOURCES / "zsend.mjs"),
        base,
        stack.api_key,
        f"shop@{stack.domain}",
        str(file),
    )
    printed = json.loads(commands.run(*command, env=environment(stack, tmp_path), within=RUN_WITHIN_S))
    for sent in (printed["file"], printed["retried"]):
        assert (sent["id"], sent["status"], sent["message_id"]) == (sent["email_id"], "pending", "")
    assert printed["refused"] == {
        "error": "validation error",
        "message": "subject length (1200) exceeds maximum (998 characters)",
        "tries": 3,
    }
    assert (printed["batch"]["status"], printed["batch"]["total_count"]) == ("pending", 2)
    job = printed["job"]
    assert (job["status"], job["sent_count"], job["failed_count"]) == ("completed", 2, 0)
    assert httpx.get(f"{base}/emails", headers=headers).json()["total"] == listed + 4
