"""A database that is silent and a server that stands still stop nobody for long."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.harness.forwarder import Forwarder, network_to
from tests.harness.stack import Replica, Stack
from tests.harness.waiting import until

pytestmark = pytest.mark.timeout(300)

DRAIN_S = 6


@pytest.fixture
def network(postgres_url: str) -> Iterator[tuple[Forwarder, str]]:
    """The network between the programs and a fresh PostgreSQL store, and the URL that leads through it."""
    with network_to(postgres_url) as network:
        yield network


async def post(stack: Stack) -> int:
    """The status of the answer to a send."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    email = {"from": f"a@{stack.domain}", "to": "ok@site.test", "subject": "s", "text": "t"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stack.http}/v1/emails", json=email, headers=headers) as answer,
    ):
        await answer.read()
        return answer.status


async def ready(stack: Stack) -> int:
    """The status of `/readyz`."""
    async with aiohttp.ClientSession() as session, session.get(f"{stack.http}/readyz") as answer:
        return answer.status


async def test_server_comes_back_when_another_database_answers_at_the_address_of_a_silent_one(
    network: tuple[Forwarder, str], tmp_path: Path
) -> None:
    """Its old connections stay open and say nothing."""
    with Stack(tmp_path, database_url=network[1]) as stack:
        assert await post(stack) == 200
        network[0].silence()

        async def is_served() -> bool:
            return await post(stack) == 200

        await until(is_served, message=stack.log_tails)


async def test_server_with_a_silent_database_is_not_ready_and_ends_on_sigterm(
    network: tuple[Forwarder, str], tmp_path: Path
) -> None:
    with Stack(tmp_path, database_url=network[1], env={"ZIDIMAIL_DRAIN_SECONDS": str(DRAIN_S)}) as stack:
        assert await post(stack) == 200
        network[0].silence(new=True)

        async def is_not_ready() -> bool:
            return await ready(stack) == 503

        await until(is_not_ready, message=stack.log_tails)
        stack.signal_server(signal.SIGTERM)
        assert stack.wait_server(within=3 * DRAIN_S) == 0


async def test_server_that_stands_still_in_a_transaction_stops_no_organisation(
    postgres_url: str, tmp_path: Path
) -> None:
    """It holds what the other server's sends of the same organisation need."""
    reached = tmp_path / "failpoints"
    env = {
        # Before its second send commits.
        "ZIDIMAIL_FAILPOINTS": "accept.before_commit=sleep:600@2",
        "ZIDIMAIL_FAILPOINTS_LOG": str(reached),
    }
    with (
        Stack(tmp_path / "first", database_url=postgres_url, env=env) as first,
        Replica(first, tmp_path / "second") as second,
    ):
        assert await post(first) == 200
        held = asyncio.create_task(post(first))
        await until(lambda: reached.read_text().count("accept.before_commit") == 2)
        first.signal_server(signal.SIGSTOP)
        try:

            async def is_served() -> bool:
                return await post(second) == 200

            await until(is_served, message=second.log_tails)
        finally:
            first.kill_server()
            held.cancel()
