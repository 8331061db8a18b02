"""Every change of settings is in the audit log of its organisation, and nothing else is."""

import pytest

from tests.contract.methods import METHODS
from tests.contract.rows import INTERNAL, OPEN, OPERATOR, ROWS, K
from tests.contract.world import Fields, World

READS = ("Get", "List", "Watch")
# Acts of people on their own accounts and sessions, and what takes all data away.
OWN = {
    *(
        f"AccountService.{name}"
        for name in ("LeaveOrganisation", "ChangePassword", "Logout", "SwitchOrganisation", "GetExportFile")
    )
}
OF_CUSTOMERS = [name for name, row in ROWS.items() if row.kinds not in (OPEN, INTERNAL, OPERATOR)]
ANSWERED = [name for name in OF_CUSTOMERS if ROWS[name].answer[0] == "OK"]


def newest(world: World) -> Fields:
    """The newest entry of A's audit log."""
    listed = world.made("AccountService.ListAuditEntries", {"limit": 1}, world.a.jwt)
    return dict(listed["data"][0])


@pytest.mark.parametrize("name", ANSWERED)
def test_change_is_recorded_with_its_maker(world: World, name: str) -> None:
    row, method = ROWS[name], METHODS[name]
    with_key = K in row.kinds
    session = world.a.jwt if row.session is None else row.session(world)
    fields = row.fields(world)
    before = newest(world)
    assert world.grpc(method, fields, world.a.api_key if with_key else session).code == "OK"
    entry = newest(world)
    is_read = name.partition(".")[2].startswith(READS)
    if name not in OWN and (is_read or row.permission != "full"):
        assert entry == before
        return
    assert entry["method"] == name.replace(".", "/")
    assert entry["credential"] == ("CREDENTIAL_API_KEY" if with_key else "CREDENTIAL_SESSION")
    assert entry["address"] == "127.0.0.1"
    if with_key:
        assert entry["actor_id"] == world.a.key_id
    elif row.session is None:
        assert (entry["actor_id"], entry["actor"]) == (world.a.user_id, world.a_email)
    if "id" in fields:
        assert entry["target_id"] == fields["id"]


def test_refused_change_is_not_recorded(world: World) -> None:
    before = newest(world)
    method = METHODS["ApiKeyService.CreateApiKey"]
    assert world.grpc(method, {"name": ""}, world.a.jwt).code == "INVALID_ARGUMENT"
    assert world.grpc(method, {"name": "x"}, world.a.api_key).code == "UNAUTHENTICATED"
    assert newest(world) == before
