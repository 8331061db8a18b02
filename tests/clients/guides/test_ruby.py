"""The Ruby guide: the grpc gem, with stubs by gRPC's plugin."""

from pathlib import Path

import pytest

from tests.clients.guides import readme
from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide("ruby", packages=readme.debian_packages("ruby"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's folder with the stubs."""
    return readme.prepared(GUIDE, tmp_path_factory.mktemp("ruby"))


def test_the_ruby_program_does_every_step(folder: Path, server: Server) -> None:
    GUIDE.proves(readme.program(GUIDE), server, cwd=folder)
