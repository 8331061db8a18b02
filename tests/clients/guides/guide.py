"""A client guide under test: one language's program of `docs/clients`, built and run as its reader would.

To add a language, write

- `docs/clients/<language>/`: `README.md` (one short page: install, generate, run), one program, and the build
  manifest that the language needs. A `package-lock.json` (with its `package.json`) is installed by `npm ci`,
  a `requirements.txt` by pip into an environment of its own; both once, into `Guide.home`. Generated stubs
  are never committed.
- `tests/clients/guides/test_<language, with _ for ->.py`, which holds the constant `GUIDE`, a fixture that
  generates and builds, and one test:

      GUIDE = Guide("go", packages=("protobuf-compiler", "golang-go"))

      @pytest.fixture(scope="module")
      def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
          folder = GUIDE.copy(tmp_path_factory.mktemp("go"))
          GUIDE.protoc(f"--go_out={folder}", ...)
          GUIDE.call("go", "build", ..., cwd=folder)
          return [str(folder / "mailer")]

      def test_the_go_program_does_every_step(program: list[str], server: Server) -> None:
          GUIDE.proves(program, server)

`make test-clients` (`ARGS="go java"` for some) first installs the Debian `packages` of all guides in one
step, then the packages of their manifests, and then runs the tests, once with TLS and once without. `make
test` runs none of them. Stubs come from `generated/zidimail/v1/descriptors.binpb` alone: no command may read
`protos/`.

The program reads `ZIDIMAIL_TARGET` (host:port), `ZIDIMAIL_API_KEY`, `ZIDIMAIL_FROM` (an address of a verified
domain) and `ZIDIMAIL_CA` (the path of a PEM file; if it is set and not empty, the program speaks TLS and
trusts that CA, else it speaks without TLS). It prints the lines that `steps.py` describes, and exits with 0
only if all went well.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.clients.guides.server import Server
from tests.clients.guides.steps import check, parse
from tests.harness.stack import ROOT

FOLDER = ROOT / "docs" / "clients"
DESCRIPTORS = ROOT / "generated" / "zidimail" / "v1" / "descriptors.binpb"
INSTALL_WITHIN_S = 600
BUILD_WITHIN_S = 600
RUN_WITHIN_S = 60
OUTPUT_TAIL_CHARACTERS = 4_000


class GuideError(Exception):
    """A command of a guide failed; the message holds the command and the end of its output."""


def descriptors() -> FileDescriptorSet:
    """The contract as it is published."""
    return FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())


def proto_files() -> list[str]:
    """The names of ZidiMail's own proto files, as protoc and `import` know them."""
    return [file.name for file in descriptors().file if file.package.startswith("zidimail.")]


@dataclass(frozen=True)
class Guide:
    """The guide of one language: `language` names its folder below `docs/clients`.

    `packages` are the Debian packages that generating, building and running need.
    """

    language: str
    packages: Sequence[str] = ()

    @property
    def source(self) -> Path:
        """The folder with the program."""
        return FOLDER / self.language

    @property
    def home(self) -> Path:
        """The folder into which the packages of the manifests go, as `node_modules` or `.venv`.

        Below `build/`, and new whenever a manifest changes.
        """
        digest = hashlib.sha256()
        for name in ("package-lock.json", "requirements.txt"):
            if (self.source / name).exists():
                digest.update((self.source / name).read_bytes())
        return ROOT / "build" / "guides" / f"{self.language}-{digest.hexdigest()[:12]}"

    @property
    def python(self) -> str:
        """The interpreter of the environment made from `requirements.txt`; its programs are beside it."""
        return str(self.home / ".venv" / "bin" / "python")

    def install(self) -> None:
        """Installs the packages of the manifests, unless they are. Raises GuideError."""
        if (self.home / "installed").exists():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        if (self.source / "package-lock.json").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(self.source / name, self.home)
            self._command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", within=INSTALL_WITHIN_S)
        if (self.source / "requirements.txt").exists():
            pip = (self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            self._command(sys.executable, "-m", "venv", ".venv", within=INSTALL_WITHIN_S)
            self._command(
                *pip, "--requirement", str(self.source / "requirements.txt"), within=INSTALL_WITHIN_S
            )
        (self.home / "installed").touch()

    def copy(self, parent: Path) -> Path:
        """Copies the guide's folder into `parent`, with `node_modules` if there are any; returns the copy."""
        self.install()
        folder = Path(shutil.copytree(self.source, parent / self.language))
        if (self.home / "node_modules").exists():
            (folder / "node_modules").symlink_to(self.home / "node_modules")
        return folder

    def protoc(
        self, *options: str, files: Sequence[str] | None = None, compiler: Sequence[str] = ("protoc",)
    ) -> None:
        """Generates stubs from the published descriptors and nothing else. Raises GuideError.

        `options` are those of the plugins; `files` is for others than ZidiMail's own; `compiler` may be
        another protoc, such as `(GUIDE.python, "-m", "grpc_tools.protoc")`.
        """
        self.call(*compiler, f"--descriptor_set_in={DESCRIPTORS}", *options, *(files or proto_files()))

    def call(self, *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
        """Runs a command of the build, with `env` added to the environment; returns what it printed.

        Raises GuideError.
        """
        return self._command(*command, cwd=cwd, env=env, within=BUILD_WITHIN_S)

    def proves(
        self,
        program: Sequence[str],
        server: Server,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Runs the built program, and checks every line that it prints against the server.

        Raises GuideError if the program fails, AssertionError if it printed anything else than it should.
        """
        sender = f"{self.language}-{server.name}@{server.domain}"
        settings = {
            "ZIDIMAIL_TARGET": server.target,
            "ZIDIMAIL_API_KEY": server.api_key,
            "ZIDIMAIL_FROM": sender,
            "ZIDIMAIL_CA": str(server.certificate or ""),
        }
        printed = self._command(*program, cwd=cwd, env={**(env or {}), **settings}, within=RUN_WITHIN_S)
        check(parse(printed), server, sender)

    def _command(
        self, *command: str, within: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        try:
            done = subprocess.run(
                command,
                cwd=cwd or self.home,
                env={**os.environ, **(env or {})},
                capture_output=True,
                timeout=within,
                check=False,
            )
        except FileNotFoundError as error:
            raise GuideError(f"{error}: `make test-clients` installs what the guides need.") from None
        except subprocess.TimeoutExpired as error:
            tail = _tail((error.stdout or b"") + (error.stderr or b""))
            raise GuideError(f"{' '.join(command)} took more than {within} s:\n{tail}") from None
        if done.returncode:
            tail = _tail(done.stdout + done.stderr)
            raise GuideError(f"{' '.join(command)} exited with {done.returncode}:\n{tail}")
        return done.stdout.decode()


def _tail(output: bytes) -> str:
    return output.decode(errors="replace")[-OUTPUT_TAIL_CHARACTERS:]
