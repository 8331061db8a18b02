"""The guides to test, and the servers that each is run against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.guides.guide import Guide, languages
from tests.clients.guides.server import Server, TlsStack, served


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--language`."""
    parser.addoption("--language", action="append", choices=languages(), help="test this guide only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeats the tests for each guide."""
    if "language" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("language") or languages()
        metafunc.parametrize("language", chosen, scope="session")


@pytest.fixture(scope="session")
def guide(language: str) -> Guide:
    """The guide under test."""
    return Guide(language)


@pytest.fixture(scope="session")
def built(guide: Guide, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the guide's program, ready to run."""
    return guide.build(tmp_path_factory.mktemp("guide"))


@pytest.fixture(scope="session")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with TLS."""
    with TlsStack(tmp_path_factory.mktemp("tls")) as stack:
        yield served(stack, "tls")


@pytest.fixture(params=["tls", "plain"])
def server(request: pytest.FixtureRequest) -> Server:
    """The server to call, first with TLS, then without."""
    if request.param == "tls":
        found: Server = request.getfixturevalue("tls_server")
        return found
    return served(request.getfixturevalue("stack"), "plain")
