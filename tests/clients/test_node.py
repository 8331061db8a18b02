"""A Node client that loads `protos/` with @grpc/proto-loader sends a mail and follows it."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import google.api
import pytest

from tests.harness.stack import ROOT, Stack

SOURCES = Path(__file__).parent / "node"
INSTALL_WITHIN_S = 100
RUN_WITHIN_S = 40


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The packages of the lock file, installed once into `build/`."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js is not installed")
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = ROOT / "build" / "node" / hashlib.sha256(lock).hexdigest()[:12]
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, folder / name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=INSTALL_WITHIN_S, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install the packages: {done.stderr.decode()[-500:]}")
        (folder / "installed").touch()
    return folder / "node_modules"


async def test_a_node_client_needs_only_the_protos(stack: Stack, node_modules: Path) -> None:
    third_party = Path(next(iter(google.api.__path__))).parents[1]
    process = await asyncio.create_subprocess_exec(
        *("node", str(SOURCES / "send.js"), stack.grpc, stack.api_key, f"Node <node@{stack.domain}>"),
        *(str(ROOT / "protos"), str(third_party)),
        env=os.environ | {"NODE_PATH": str(node_modules)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(RUN_WITHIN_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    printed = json.loads(out)
    assert printed["status"] == "EMAIL_STATUS_DELIVERED"
    assert printed["events"] == ["EVENT_TYPE_EMAIL_SENT", "EVENT_TYPE_EMAIL_DELIVERED"]
    assert printed["headers"] == {"X-Own": "1"}
    assert printed["refusal"] == "INVALID_ARGUMENT"
