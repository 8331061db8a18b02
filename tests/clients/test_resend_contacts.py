"""Resend's Python SDK manages contacts, segments and audiences with a session (section D, C-9, C-11)."""

import pytest
import resend
from resend.exceptions import ResendError

from tests.clients.resend_python import BUILT, Sdk, name_of
from tests.harness.stack import Stack


@pytest.fixture(params=["synchronous", "asynchronous"])
def sdk(request: pytest.FixtureRequest, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Sdk:
    """The SDK, pointed at the stack, with a session."""
    monkeypatch.setattr(resend, "api_url", f"{stack.http}/v1")
    monkeypatch.setattr(resend, "api_key", stack.jwt)
    return Sdk(stack.jwt, asynchronous=request.param == "asynchronous")


def methods(kind: type) -> set[str]:
    """The names of the methods of a class."""
    return {name_of(getattr(kind, name)) for name in BUILT[kind]}


async def test_contact_is_created_read_changed_and_removed(sdk: Sdk) -> None:
    email = f"ada+{sdk.label}@sdk.example.org"
    new = {"email": email, "first_name": "Ada", "last_name": "Lovelace", "unsubscribed": False}
    id = (await sdk(resend.Contacts.create, new))["id"]
    for key in ((None, id), (None, None, email)):
        found = await sdk(resend.Contacts.get, *key)
        assert (found["id"], found["email"]) == (id, email)
        assert (found["first_name"], found["last_name"], found["unsubscribed"]) == ("Ada", "Lovelace", False)
    change = {"id": id, "first_name": "Augusta", "unsubscribed": True}
    assert (await sdk(resend.Contacts.update, change))["id"] == id
    changed = await sdk(resend.Contacts.get, None, id)
    assert (changed["first_name"], changed["last_name"], changed["unsubscribed"]) == (
        "Augusta",
        "Lovelace",
        True,
    )
    assert id in [each["id"] for each in (await sdk(resend.Contacts.list, None, {"limit": 100}))["data"]]
    removed = await sdk(resend.Contacts.remove, None, None, email)
    assert (removed["contact"], removed["deleted"]) == (id, True)
    with pytest.raises(ResendError) as missing:
        await sdk(resend.Contacts.get, None, id)
    assert (str(missing.value.code), missing.value.error_type) == ("404", "not_found")
    assert sdk.called == methods(resend.Contacts)


async def test_contacts_are_listed_in_pages(sdk: Sdk) -> None:
    segment = (await sdk(resend.Segments.create, {"name": f"Pages {sdk.label}"}))["id"]
    for number in range(3):
        email = f"page-{number}+{sdk.label}@sdk.example.org"
        contact = (await sdk(resend.Contacts.create, {"email": email}))["id"]
        await sdk(resend.Contacts.Segments.add, {"contact_id": contact, "segment_id": segment})
    first = await sdk(resend.Contacts.list, None, {"limit": 2}, segment)
    assert (len(first["data"]), first["has_more"]) == (2, True)
    last = await sdk(resend.Contacts.list, None, {"limit": 2, "after": first["data"][-1]["id"]}, segment)
    assert (len(last["data"]), last["has_more"]) == (1, False)


async def test_segment_has_members(sdk: Sdk) -> None:
    id = (await sdk(resend.Segments.create, {"name": f"Buyers {sdk.label}"}))["id"]
    assert (await sdk(resend.Segments.get, id))["name"] == f"Buyers {sdk.label}"
    assert (await sdk(resend.Segments.update, id, {"name": f"Readers {sdk.label}"}))["id"] == id
    assert id in [each["id"] for each in (await sdk(resend.Segments.list, {"limit": 100}))["data"]]
    email = f"member+{sdk.label}@sdk.example.org"
    contact = (await sdk(resend.Contacts.create, {"email": email}))["id"]
    await sdk(resend.Contacts.Segments.add, {"email": email, "segment_id": id})
    listed = await sdk(resend.Contacts.Segments.list, {"contact_id": contact})
    assert [each["name"] for each in listed["data"]] == [f"Readers {sdk.label}"]
    removed = await sdk(resend.Contacts.Segments.remove, {"contact_id": contact, "segment_id": id})
    assert removed["deleted"] is True
    assert not (await sdk(resend.Contacts.Segments.list, {"email": email}))["data"]
    assert (await sdk(resend.Segments.remove, id))["deleted"] is True
    # The contact stays (Z-49).
    assert (await sdk(resend.Contacts.get, None, contact))["email"] == email
    assert sdk.called >= methods(resend.Segments) | methods(resend.Contacts.Segments)


@pytest.mark.filterwarnings("ignore:Audiences is deprecated:DeprecationWarning")
async def test_audience_has_contacts_of_its_own(sdk: Sdk) -> None:
    """The older word, with which a contact is named below its audience."""
    id = (await sdk(resend.Audiences.create, {"name": f"Everybody {sdk.label}"}))["id"]
    assert (await sdk(resend.Audiences.get, id))["name"] == f"Everybody {sdk.label}"
    assert id in [each["id"] for each in (await sdk(resend.Audiences.list, {"limit": 100}))["data"]]
    email = f"grace+{sdk.label}@sdk.example.org"
    new = {"audience_id": id, "email": email, "first_name": "Grace"}
    contact = (await sdk(resend.Contacts.create, new))["id"]
    await sdk(resend.Contacts.update, {"audience_id": id, "email": email, "unsubscribed": True})
    assert (await sdk(resend.Contacts.get, id, contact))["unsubscribed"] is True
    assert [each["id"] for each in (await sdk(resend.Contacts.list, id))["data"]] == [contact]
    assert (await sdk(resend.Contacts.remove, id, contact))["deleted"] is True
    assert not (await sdk(resend.Contacts.list, id))["data"]
    assert (await sdk(resend.Audiences.remove, id))["deleted"] is True
    assert sdk.called >= methods(resend.Audiences)


async def test_contacts_are_closed_to_api_keys(sdk: Sdk, stack: Stack) -> None:
    """Z-4, C-9."""
    with sdk.using(stack.api_key), pytest.raises(ResendError) as refused:
        await sdk(resend.Contacts.list)
    assert str(refused.value.code) == "401"
