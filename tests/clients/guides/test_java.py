"""The Java guide: grpc-java, with stubs by its plugin."""

from pathlib import Path

import pytest

from tests.clients.guides import readme
from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide("java", packages=readme.debian_packages("java"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's folder with the stubs and the classes."""
    return readme.prepared(GUIDE, tmp_path_factory.mktemp("java"))


def test_the_java_program_does_every_step(folder: Path, server: Server) -> None:
    GUIDE.proves(readme.program(GUIDE), server, cwd=folder)
