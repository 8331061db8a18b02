"""The documented ways from a running edge to stubs work as printed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.stack import ROOT, Stack
from tools.generate import PROTOS

PROGRAMS = Path(sys.executable).parent
README = (ROOT / "README.md").read_text().partition("## A client in your language\n")[2].partition("\n## ")[0]
GUIDE = (ROOT / "docs/clients/README.md").read_text()
PYTHON = re.findall(r"\| Python, grpcio \|.*?`(python [^`]+)`", GUIDE)
OURS = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


def blocks(text: str) -> list[str]:
    """The shell commands of a page, without those of grpcurl, which pip cannot install."""
    found = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [block for block in found if not block.startswith("grpcurl")]


def run(stack: Stack, folder: Path, script: str) -> str:
    """Runs a script in a folder with the template of buf in it; returns what it prints."""
    shutil.copyfile(ROOT / "buf.gen.yaml", folder / "buf.gen.yaml")
    for printed, here in (
        ("http://127.0.0.1:8080", stack.http),
        ("127.0.0.1:50051", stack.grpc),
        # Not every machine that runs the tests has unzip.
        ("unzip -q protos.zip -d", "python -m zipfile -e protos.zip"),
        # Pip cannot install the plugins of Go.
        ("--go_out=. --go-grpc_out=.", "--java_out=."),
    ):
        script = script.replace(printed, here)
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env=os.environ | {"KEY": stack.api_key, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("at", "stub"),
    [(0, "com/zidimail/v1/SendEmailRequest.java"), (1, "gen/ruby/zidimail/v1/email_service_pb.rb")],
)
def test_the_readme_makes_stubs_in_two_lines(stack: Stack, tmp_path: Path, at: int, stub: str) -> None:
    script = blocks(README)[at]
    assert len(script.splitlines()) == 2
    run(stack, tmp_path, script)
    assert (tmp_path / stub).is_file()


def test_the_commands_of_the_client_guide_make_stubs_and_call(stack: Stack, tmp_path: Path) -> None:
    script = [*blocks(GUIDE), *PYTHON, 'echo "files: $files"']
    printed = run(stack, tmp_path, "\n".join(script))
    assert sorted(printed.rpartition("files: ")[2].split()) == OURS
    assert '"limit"' in printed, "the answer of ListEmails"
    for stub in (
        "stubs/com/zidimail/v1/SendEmailRequest.java",
        "stubs/zidimail/v1/email_service_pb2_grpc.py",
        "gen/java/com/zidimail/v1/SendEmailRequest.java",
    ):
        assert (tmp_path / stub).is_file(), stub
