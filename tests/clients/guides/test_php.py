"""The PHP guide: clients by gRPC's plugin, on the guide's own transport by curl."""

from pathlib import Path

import pytest

from tests.clients.guides import readme
from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

GUIDE = Guide("php", packages=readme.debian_packages("php"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's folder with the stubs."""
    return readme.prepared(GUIDE, tmp_path_factory.mktemp("php"))


def test_the_php_program_does_every_step(folder: Path, server: Server) -> None:
    GUIDE.proves(readme.program(GUIDE), server, cwd=folder)
