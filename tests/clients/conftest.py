"""The packages of the Node clients."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness.stack import ROOT

SOURCES = Path(__file__).parent / "node"
INSTALL_WITHIN_S = 100
# They install compilers, and so run by `make test-clients` only.
collect_ignore = ["gateways", "guides", "programs", "readers", "smtp", "spreadsheets"]


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
