"""The two organisations of the matrix."""

from collections.abc import Iterator

import pytest

from tests.contract.world import World
from tests.harness.dns_server import DnsServer
from tests.harness.organisations import Kind
from tests.harness.stack import Stack


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory, stack_dns: DnsServer, sheets_url: str) -> Iterator[World]:
    """Both organisations, with data, on a stack of their own: no other test adds to what they list."""
    env = {"ZIDIMAIL_DNS": stack_dns.address, "ZIDIMAIL_SHEETS_URL": sheets_url}
    kinds = {
        "operator": Kind(["--plan", "free"], is_operator=True),
        "paged": Kind(["--plan", "pro"]),
        "exporting": Kind(["--plan", "pro"]),
        "unused": Kind(["--plan", "pro"]),
    }
    with Stack(tmp_path_factory.mktemp("matrix"), env=env, kinds=kinds, twins=True) as stack:
        world = World(stack)
        yield world
        world.close()
