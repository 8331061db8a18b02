"""The Go guide: stubs by protoc-gen-go, built with Debian's Go packages in place of the module proxy's."""

import pytest

from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide(
    "go",
    packages=(
        "golang-github-golang-protobuf-1-5-dev",
        "golang-go",
        "golang-google-genproto-dev",
        "golang-google-grpc-dev",
        "golang-google-protobuf-dev",
        "protobuf-compiler",
        "protoc-gen-go",
        "protoc-gen-go-grpc",
    ),
)
DEBIAN_SOURCES = "/usr/share/gocode"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The compiled program."""
    folder = GUIDE.copy(tmp_path_factory.mktemp("go"))
    sources = folder / "src"
    sources.mkdir()
    GUIDE.protoc(f"--go_out={sources}", f"--go-grpc_out={sources}")
    env = {"GO111MODULE": "off", "GOPATH": f"{folder}:{DEBIAN_SOURCES}"}
    GUIDE.call("go", "vet", "main.go", cwd=folder, env=env)
    GUIDE.call("go", "build", "-o", "mailer", "main.go", cwd=folder, env=env)
    return [str(folder / "mailer")]


def test_the_go_program_does_every_step(program: list[str], server: Server) -> None:
    GUIDE.proves(program, server)
