"""The Go guide: grpc-go, with stubs by its plugins; the modules are Debian's."""

from pathlib import Path

import pytest

from tests.clients.guides import go_modules, readme
from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide("go", packages=(*readme.debian_packages("go"), *go_modules.PACKAGES))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's folder with the stubs and the compiled program."""
    # Always in the same place, so that Go's build cache serves again.
    env = go_modules.proxy(GUIDE.home / "go")
    return readme.prepared(GUIDE, tmp_path_factory.mktemp("go"), env=env)


def test_the_go_program_does_every_step(folder: Path, server: Server) -> None:
    GUIDE.proves(readme.program(GUIDE), server, cwd=folder)
