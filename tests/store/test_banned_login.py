"""Logins of people who belong to a banned organisation and to another, on both engines (S-19)."""

from server.accounts.store import change_organisation
from tests.store.people import ADA, PASSWORD, People


async def test_ban_of_one_organisation_closes_no_other(people: People) -> None:
    """A login without the name of an organisation leads to one that can be used."""
    await people.add("eve@example.com")
    eve = await people.caller((await people.sign_in.login("eve@example.com", PASSWORD, None)).token)
    await people.join(eve, ADA)
    first = (await people.sign_in.login(ADA, PASSWORD, None)).membership.org_id
    await people.writer.run(change_organisation, first, {"state": "banned"})
    session = await people.sign_in.login(ADA, PASSWORD, None)
    assert session.membership.org_id == eve.org_id
    assert [one.org_id for one in session.memberships] == [first, eve.org_id]
    # The banned one can be named: its refusals say why it is banned.
    assert (await people.sign_in.login(ADA, PASSWORD, first)).membership.org_id == first
    await people.writer.run(change_organisation, eve.org_id, {"state": "banned"})
    assert (await people.sign_in.login(ADA, PASSWORD, None)).membership.org_id == first
