"""The C++ guide: gRPC, with stubs by its plugin, built by CMake."""

from pathlib import Path

import pytest

from tests.clients.guides import readme
from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide("cpp", packages=readme.debian_packages("cpp"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's folder with the stubs and the compiled program."""
    return readme.prepared(GUIDE, tmp_path_factory.mktemp("cpp"))


def test_the_cpp_program_does_every_step(folder: Path, server: Server) -> None:
    GUIDE.proves(readme.program(GUIDE), server, cwd=folder)
