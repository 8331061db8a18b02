"""The two organisations of the matrix."""

from collections.abc import Iterator

import pytest

from tests.contract.world import World
from tests.harness.stack import Stack


@pytest.fixture(scope="session")
def world(stack: Stack) -> Iterator[World]:
    """Both organisations, with data."""
    world = World(stack)
    yield world
    world.close()
