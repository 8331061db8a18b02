"""The README's two commands, `make run` and `make demo`, on the first run and on later ones."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.stack import ROOT, free_port
from tests.harness.waiting import until_sync

WITHIN_S = 60


def test_demo_sends_a_mail_over_each_protocol_and_leaves_no_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for protocol in ("REST", "gRPC", "SMTP"):
        assert f"Events of the mail sent by {protocol}: it is delivered" in done.stdout
    assert done.stdout.count("verifies") == 6
    assert done.stdout.count(": verified by") == 3
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An operator's settings: a data directory and free addresses."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("ZIDIMAIL_")}
    return ours | {
        "ZIDIMAIL_DATA_DIR": str(tmp_path / "data"),
        "ZIDIMAIL_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        "ZIDIMAIL_HTTP_LISTEN": f"127.0.0.1:{free_port()}",
        "ZIDIMAIL_SMTP_LISTEN": f"127.0.0.1:{free_port()}",
        "ZIDIMAIL_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
    }


@contextmanager
def started(environment: dict[str, str], log: Path) -> Iterator[str]:
    """`make run`, until Ctrl-C: what it printed when it was ready."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tools.run"], cwd=ROOT, env=environment, stdout=output, stderr=output
        )

    def printed() -> str:
        text = log.read_text()
        assert process.poll() is None, text
        return text if "Ctrl-C" in text else ""

    try:
        yield until_sync(printed, within=WITHIN_S, message="it never said that it was ready")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 0


def curl_of(text: str) -> list[str]:
    """The command that sends a mail, as printed."""
    [command] = re.findall(r"^ +(curl .* -d .*)$", text, re.MULTILINE)
    return shlex.split(command)


def is_listening(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_run_prints_a_working_command_keeps_its_key_and_stops_on_ctrl_c(
    environment: dict[str, str], tmp_path: Path
) -> None:
    listens = [environment[f"ZIDIMAIL_{name}_LISTEN"] for name in ("GRPC", "HTTP", "SMTP", "METRICS")]
    commands = []
    for start in ("first", "second"):
        with started(environment, tmp_path / f"{start}.log") as text:
            commands.append(curl_of(text))
            answer = subprocess.run(commands[-1], capture_output=True, timeout=WITHIN_S, check=True).stdout
            sent = json.loads(answer)["id"]
            captured = tmp_path / "data" / "captured" / f"{sent}.1.eml"
            until_sync(captured.exists, message=f"{captured} never came")
            assert str(captured) in text.replace("ID", sent)
            assert all(is_listening(address) for address in listens)
        assert not any(is_listening(address) for address in listens)
    assert commands[0] == commands[1]


def test_run_names_the_setting_to_change_when_an_address_is_in_use(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment["ZIDIMAIL_HTTP_LISTEN"] = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "tools.run"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "ZIDIMAIL_HTTP_LISTEN=" in done.stderr
