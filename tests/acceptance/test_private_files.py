"""Files on disk are their owner's alone, whatever the umask (contract row C-89)."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

# Files of the test's own.
OURS = ("logs",)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_data_directory_and_everything_in_it_are_private(tmp_path: Path) -> None:
    """Also the directory and the store of a version that made them for everybody."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    store = data_dir / "zidimail.db"
    store.touch(mode=0o644)
    listened = tmp_path / "grpc.sock"
    listen = f"unix:{listened}"
    stack = Stack(data_dir, env={"ZIDIMAIL_GRPC_LISTEN": listen, "ZIDIMAIL_SERVER": listen})
    before = os.umask(0o022)
    try:
        stack.run("server", "migrate")
        stack.bootstrap_org("third@example.com", "third.example.com")
        with stack:
            mail = {"from": f"a@{stack.domain}", "to": ["ada@example.org"], "subject": "s", "text": "secret"}
            headers = {"Authorization": f"Bearer {stack.api_key}"}
            assert httpx.post(f"{stack.http}/v1/emails", json=mail, headers=headers).status_code == 200
            until_sync(lambda: list(stack.captured.glob("*.eml")))
            found = [path for path in data_dir.rglob("*") if path.relative_to(data_dir).parts[0] not in OURS]
            modes = {str(path.relative_to(data_dir)): mode_of(path) for path in [data_dir, *found]}
            assert {name for name in modes if name.startswith("zidimail.db")} >= {
                *("zidimail.db", "zidimail.db-wal", "zidimail.db-shm")
            }
            wanted = {str(path.relative_to(data_dir)): 0o700 if path.is_dir() else 0o600 for path in found}
            assert modes == wanted | {".": 0o700}
            assert mode_of(listened) == 0o660
    finally:
        os.umask(before)


@pytest.mark.parametrize(("setting", "mode"), [("", 0o660), ("600", 0o600)])
def test_socket_of_the_edge_is_open_to_whom_the_setting_says(tmp_path: Path, setting: str, mode: int) -> None:
    path = tmp_path / "http.sock"
    env = os.environ | {
        "ZIDIMAIL_DATA_DIR": str(tmp_path),
        "ZIDIMAIL_HTTP_LISTEN": f"unix:{path}",
        "ZIDIMAIL_SOCKET_MODE": setting,
    }

    def is_served() -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(path)) == 0

    with subprocess.Popen([sys.executable, "-m", "edge"], env=env) as edge:
        try:
            until_sync(is_served)
            assert mode_of(path) == mode
        finally:
            edge.terminate()
