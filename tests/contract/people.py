"""People of the matrix beside the owners: sessions, a guest, invitations."""

from tests.contract.world import World
from tests.harness.mailbox import mails_to, token_in
from tests.harness.waiting import until_sync

_GUEST, _PASSWORD = "guest@people.example.org", "correct horse battery"


def new_session(world: World) -> str:
    """The token of a new session of A's owner."""
    fields = {"email": world.a_email, "password": world.a.password}
    return str(world.made("AccountService.Login", fields, "")["token"])


def member_id(world: World) -> str:
    """The id of a member of A's who is no owner."""
    shown = world.made("AccountService.ListMembers", {"limit": 100}, world.a.jwt)["data"]
    found = [member["id"] for member in shown if member["email"] == _GUEST]
    return str(found[0]) if found else _new_member(world)


def session_of_a_member(world: World) -> str:
    """The token of a session in A of a member who is no owner."""
    member_id(world)
    login = {"email": _GUEST, "password": _PASSWORD, "org_id": world.a.org_id}
    return str(world.made("AccountService.Login", login, "")["token"])


def session_of_a_guest(world: World, role: str) -> str:
    """The token of a session in A of a new member with this role."""
    email = world.new_address()
    _new_member(world, email, role=f"ROLE_{role.upper()}")
    login = {"email": email, "password": _PASSWORD, "org_id": world.a.org_id}
    return str(world.made("AccountService.Login", login, "")["token"])


def _new_member(world: World, email: str = _GUEST, **invitation: str) -> str:
    """The id of a guest who has accepted an invitation to A."""
    mails = mails_to(world.stack.captured, email)
    world.made("AccountService.CreateInvitation", {"email": email, **invitation}, world.a.jwt)
    until_sync(lambda: len(mails_to(world.stack.captured, email)) > len(mails))
    token = token_in(mails_to(world.stack.captured, email)[-1])
    accepted = world.made("AccountService.AcceptInvitation", {"token": token, "password": _PASSWORD}, "")
    return str(accepted["user"]["id"])


def invitation_id(world: World) -> str:
    """The id of an invitation to A that waits."""
    waiting = world.made("AccountService.ListInvitations", {}, world.a.jwt).get("data", [])
    if waiting:
        return str(waiting[0]["id"])
    fields = {"email": world.new_address()}
    made = world.made("AccountService.CreateInvitation", fields, world.a.jwt)
    return str(made["invitation"]["id"])


def audit_entry_id(world: World) -> str:
    """The id of an entry of A's audit log."""
    invitation_id(world)
    return str(world.made("AccountService.ListAuditEntries", {}, world.a.jwt)["data"][0]["id"])


def erasure_id(world: World) -> str:
    """The id of an erasure of A's."""
    made = world.made("AccountService.CreateErasure", {"email": "erased@example.org"}, world.a.jwt)
    return str(made["erasure"]["id"])


def export_id(world: World) -> str:
    """The id of an export of A's that is completed."""

    def is_nothing_erased() -> bool:
        shown = world.made("AccountService.ListErasures", {}, world.a.jwt).get("data", [])
        return all(one["status"] == "ERASURE_STATUS_COMPLETED" for one in shown)

    # The end of an erasure ends exports.
    until_sync(is_nothing_erased)
    listed = world.made("AccountService.ListExports", {}, world.a.jwt).get("data", [])
    made = listed or [world.made("AccountService.CreateExport", {}, world.a.jwt)["data_export"]]
    id = str(made[0]["id"])

    def is_completed() -> bool:
        shown = world.made("AccountService.GetExport", {"id": id}, world.a.jwt)
        return bool(shown["data_export"]["status"] == "EXPORT_STATUS_COMPLETED")

    until_sync(is_completed)
    return id
