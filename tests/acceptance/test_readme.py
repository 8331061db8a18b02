"""The README's examples of sending run as printed."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.harness.stack import ROOT, Stack

EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
SENDS = [(language, code) for language, code in EXAMPLES if "KEY" in code]


@pytest.fixture(scope="module")
def smtp(stack: Stack) -> Iterator[int]:
    """The port of a relay beside the shared stack."""
    yield stack.start_relay()
    stack.stop_relay()


@pytest.mark.parametrize(("language", "code"), SENDS, ids=["curl", "resend", "stub", "smtp"])
def test_each_example_of_sending_works_as_printed(stack: Stack, smtp: int, language: str, code: str) -> None:
    code = code.replace("http://127.0.0.1:8080", stack.http).replace("127.0.0.1:50051", stack.grpc)
    code = code.replace('"127.0.0.1", 2525', f'"127.0.0.1", {smtp}')
    code = code.replace("@example.com", f"@{stack.domain}")
    program = ["bash", "-c"] if language == "sh" else [sys.executable, "-c"]
    before = total(stack)
    done = subprocess.run(
        [*program, code],
        env=os.environ | {"KEY": stack.api_key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stdout
    assert total(stack) == before + 1


def total(stack: Stack) -> int:
    """The number of emails that were sent."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    answer = httpx.get(f"{stack.http}/v1/emails", params={"limit": 1}, headers=headers, timeout=30)
    return int(answer.json()["total"])
