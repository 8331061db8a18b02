"""The Connect guide: Connect-ES on Node.js, with stubs by protoc-gen-es."""

from pathlib import Path

import pytest

from tests.clients.guides import readme
from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide("typescript-connect", packages=readme.debian_packages("typescript-connect"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's folder with the stubs and the compiled program."""
    return readme.prepared(GUIDE, tmp_path_factory.mktemp("typescript-connect"))


def test_the_typescript_connect_program_does_every_step(folder: Path, server: Server) -> None:
    GUIDE.proves(readme.program(GUIDE), server, cwd=folder)
