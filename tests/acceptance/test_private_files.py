"""What is on disk is its owner's alone, whatever the umask (contract row C-89)."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until

# Files of the test's own.
OURS = ("logs",)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def test_data_directory_and_everything_in_it_are_private(tmp_path: Path) -> None:
    """Also the directory and the store of a version that made them for everybody."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    store = data_dir / "zidimail.db"
    store.touch(mode=0o644)
    socket = tmp_path / "grpc.sock"
    stack = Stack(
        data_dir, env={"ZIDIMAIL_GRPC_LISTEN": f"unix:{socket}", "ZIDIMAIL_SERVER": f"unix:{socket}"}
    )
    before = os.umask(0o022)
    try:
        with stack:
            mail = {"from": f"a@{stack.domain}", "to": ["ada@example.org"], "subject": "s", "text": "secret"}
            headers = {"Authorization": f"Bearer {stack.api_key}"}
            assert httpx.post(f"{stack.http}/v1/emails", json=mail, headers=headers).status_code == 200
            await until(lambda: list(stack.captured.glob("*.eml")))
            found = [path for path in data_dir.rglob("*") if path.relative_to(data_dir).parts[0] not in OURS]
            modes = {str(path.relative_to(data_dir)): mode_of(path) for path in [data_dir, *found]}
            assert {name for name in modes if name.startswith("zidimail.db")} >= {
                *("zidimail.db", "zidimail.db-wal", "zidimail.db-shm")
            }
            wanted = {str(path.relative_to(data_dir)): 0o700 if path.is_dir() else 0o600 for path in found}
            assert modes == wanted | {".": 0o700}
            assert mode_of(socket) == 0o660
    finally:
        os.umask(before)


@pytest.mark.parametrize(("setting", "mode"), [("", 0o660), ("600", 0o600)])
async def test_socket_of_the_edge_is_open_to_whom_the_setting_says(
    tmp_path: Path, setting: str, mode: int
) -> None:
    socket = tmp_path / "http.sock"
    env = os.environ | {
        "ZIDIMAIL_DATA_DIR": str(tmp_path),
        "ZIDIMAIL_HTTP_LISTEN": f"unix:{socket}",
        "ZIDIMAIL_SOCKET_MODE": setting,
    }

    def answers() -> bool:
        try:
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(socket))) as client:
                return client.get("http://edge/healthz").status_code == 200
        except httpx.TransportError:
            return False

    with subprocess.Popen([sys.executable, "-m", "edge"], env=env) as edge:
        try:
            await until(answers)
            assert mode_of(socket) == mode
        finally:
            edge.terminate()
