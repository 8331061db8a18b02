"""The servers that every guide is run against."""

from collections.abc import Iterator

import pytest

from tests.clients.guides.server import Server, TlsStack, served


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
