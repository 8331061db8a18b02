"""The answer of `GetUsage` (contract row F-9), on both engines."""

from pathlib import Path

import pytest
from zidimail.v1.usage_service_pb2 import AccountState, GetUsageRequest

from server.commands.organisation import STATES
from server.db.database import Database
from server.db.writer import Writer
from server.quotas.rpc import UsageServicer
from server.settings import Settings
from server.wire.caller import set_current_caller
from tests.store.accepting import CALLER, Accepting


@pytest.mark.parametrize("state", STATES)
async def test_every_state_of_an_account_is_shown(database: Database, writer: Writer, state: str) -> None:
    """A banned one too: a server may notice a ban some seconds later, and until then it answers."""
    accepting = Accepting(database, writer)
    await accepting.add_organisation(CALLER, state=state)
    set_current_caller(CALLER)
    servicer = UsageServicer(database, accepting.clock, Settings(Path(), "sqlite://", "secret"))
    answer = await servicer.GetUsage(GetUsageRequest(), None)
    assert AccountState.Name(answer.state) == f"ACCOUNT_STATE_{state.upper()}"
