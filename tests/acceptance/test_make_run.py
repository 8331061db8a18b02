"""One command starts everything, and the line that it prints sends a mail."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dkim

from tests.acceptance.test_first_mail import dns_of
from tests.harness.rest import Rest
from tests.harness.stack import ROOT, free_port
from tests.harness.waiting import until

LAST_LINE = "Ctrl-C stops everything"
STOP_WITHIN_S = 60


@contextmanager
def run(data_dir: Path, env: dict[str, str]) -> Iterator[str]:
    """`make run` without the installation; yields what it printed, and stops it as Ctrl-C does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.run"],
        cwd=ROOT,
        env=os.environ | env | {"ZIDIMAIL_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if LAST_LINE in line:
                break
        assert LAST_LINE in printed, printed
        yield printed
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        process.wait(STOP_WITHIN_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def printed_curl(printed: str) -> str:
    """The command that the newcomer is told to type."""
    found = re.search(r"^\s*(curl .*(?:\\\n.*)*)", printed, re.MULTILINE)
    assert found is not None, printed
    return found[1]


async def test_the_printed_line_sends_a_signed_mail_and_the_next_start_finds_it(tmp_path: Path) -> None:
    http = f"127.0.0.1:{free_port()}"
    env = {
        "ZIDIMAIL_HTTP_LISTEN": http,
        "ZIDIMAIL_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        "ZIDIMAIL_METRICS_LISTEN": "off",
    }
    with run(tmp_path, env) as printed:
        command = ["bash", "-c", printed_curl(printed)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        email_id = json.loads(done.stdout)["id"]
        key = re.search(r"zm_live_\w+", printed)
        assert key is not None
        [path] = await until(lambda: list((tmp_path / "captured").glob(f"{email_id}.*.eml")), within=20)
        async with Rest(f"http://{http}", key[0]) as rest:
            [entry] = (await rest.get("/v1/domains")).body["data"]
            domain = (await rest.get(f"/v1/domains/{entry['id']}")).body
        for index in range(2):
            assert dkim.DKIM(path.read_bytes()).verify(idx=index, dnsfunc=dns_of(domain))
    with run(tmp_path, env) as again:
        assert key[0] in again
        async with Rest(f"http://{http}", key[0]) as rest:
            assert (await rest.get(f"/v1/emails/{email_id}")).body["status"] == "delivered"
