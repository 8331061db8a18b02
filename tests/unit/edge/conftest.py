"""A server of the contract, and an edge in front of it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from edge.__main__ import config
from edge.settings import Settings
from tests.harness.waiting import until
from tests.unit.edge.server import EmailServer


@pytest.fixture
async def emails() -> AsyncIterator[EmailServer]:
    """A running EmailService; its address is `target`."""
    emails = EmailServer()
    server, emails.target = await emails.serve()
    yield emails
    emails.gate.set()
    await server.stop(grace=0)


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


@pytest.fixture
async def edge(emails: EmailServer) -> AsyncIterator[str]:
    """The base URL of an edge in front of `emails`."""
    async with serve_edge(Settings(server=emails.target)) as url:
        yield url


@pytest.fixture
async def client(edge: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the edge with a credential."""
    headers = {"authorization": "Bearer zm_live_1_2"}
    async with httpx.AsyncClient(base_url=edge, headers=headers, timeout=20) as client:
        yield client
