"""The README's examples of sending run as printed."""

import os
import re
import subprocess
import sys

import pytest

from tests.harness.stack import ROOT, Stack

EXAMPLES = re.findall(r"```(sh|python)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
SENDS = [(language, code) for language, code in EXAMPLES if "KEY" in code]


@pytest.mark.parametrize(("language", "code"), SENDS, ids=["curl", "resend", "stub"])
def test_each_example_of_sending_works_as_printed(stack: Stack, language: str, code: str) -> None:
    code = code.replace("http://127.0.0.1:8080", stack.http).replace("127.0.0.1:50051", stack.grpc)
    code = code.replace("@example.com", f"@{stack.domain}")
    program = ["bash", "-c"] if language == "sh" else [sys.executable, "-c"]
    done = subprocess.run(
        [*program, code],
        env=os.environ | {"KEY": stack.api_key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"[0-9a-f]{24}|queued|sent|delivered", done.stdout), done.stdout
    assert "error" not in done.stdout
