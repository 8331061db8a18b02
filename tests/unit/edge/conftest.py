"""A server of the contract, and an edge in front of it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
import uvicorn

from edge.__main__ import config
from edge.settings import Settings
from tests.harness.waiting import until
from tests.unit.edge.server import EmailServer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def email_server() -> AsyncIterator[EmailServer]:
    """A running EmailService."""
    emails = EmailServer()
    server, emails.target = await emails.serve()
    yield emails
    await server.stop(grace=0)


@pytest.fixture
def emails(email_server: EmailServer) -> Iterator[EmailServer]:
    """A running EmailService that knows of no other test; its address is `target`."""
    email_server.forget()
    yield email_server
    email_server.gate.set()


@asynccontextmanager
async def serve_edge(settings: Settings) -> AsyncIterator[str]:
    """Serves an edge on a free port; yields its base URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(config(settings))
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await serving


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(email_server: EmailServer) -> AsyncIterator[str]:
    """The base URL of an edge in front of `emails`."""
    async with serve_edge(Settings(server=email_server.target)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty(email_server: EmailServer) -> AsyncIterator[str]:
    """The base URL of an edge that waits a third of a second: for requests that have no other end."""
    async with serve_edge(replace(Settings(server=email_server.target), deadline_s=0.3)) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def narrow(email_server: EmailServer) -> AsyncIterator[str]:
    """The base URL of an edge that takes bodies of a thousand bytes."""
    settings = replace(Settings(server=email_server.target), body_limit=1000, send_body_limit=1000)
    async with serve_edge(settings) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_client(edge: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the edge with a credential."""
    headers = {"authorization": "Bearer zm_live_1_2"}
    async with httpx.AsyncClient(base_url=edge, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
def client(shared_client: httpx.AsyncClient, emails: EmailServer) -> httpx.AsyncClient:
    """A client of an edge in front of `emails`."""
    return shared_client
