"""Requests of ContactsService in the form that the store takes."""

from collections.abc import Sequence
from dataclasses import replace

from zidimail.v1 import contacts_service_pb2 as pb

from server.addresses import NotAMailbox, mailbox
from server.contacts.faults import ContactListNotFound
from server.contacts.rules import (
    MAX_DESCRIPTION_LENGTH,
    MAX_JOINED,
    MAX_LIST_NAME_LENGTH,
    MAX_NAMED,
    check_names,
    check_text,
    split_name,
)
from server.contacts.store import Changes
from server.faults import ValidationFailed, Violation
from server.ids import is_id

MAX_SEARCH_LENGTH = 256


def new_contact(request: pb.CreateContactRequest) -> tuple[str, Changes, list[str]]:
    """The address, the values and the lists of a new contact.

    Raises `ValidationFailed`, `ContactListNotFound`.
    """
    violations: list[Violation] = []
    address = written = ""
    try:
        box = mailbox(request.email)
        address, written = box.key, box.name
    except NotAMailbox as error:
        violations.append(Violation("email", str(error) if request.email else "is required"))
    changes = _changes(request, violations)
    if written and changes.first_name is None and changes.last_name is None:
        # As in an import, the name in an address stands in for a missing one.
        name = split_name(written)
        changes = replace(changes, first_name=name.first, last_name=name.last)
    if len(request.contact_list_ids) > MAX_JOINED:
        violations.append(Violation("contact_list_ids", f"must name at most {MAX_JOINED} lists"))
    refuse(violations)
    list_ids = [*request.contact_list_ids]
    if request.HasField("contact_list_id"):
        list_ids.append(request.contact_list_id)
    return address, changes, [check_list_id(id) for id in list_ids]


def changes_of(request: pb.UpdateContactRequest) -> Changes:
    """The new values of a contact. Raises `ValidationFailed`."""
    violations: list[Violation] = []
    changes = _changes(request, violations)
    refuse(violations)
    return changes


def new_list(request: pb.CreateContactListRequest) -> tuple[str, str]:
    """The name and the description of a new list. Raises `ValidationFailed`."""
    violations: list[Violation] = []
    name = list_name("name", request.name, violations)
    description = check_text("description", request.description, MAX_DESCRIPTION_LENGTH, violations)
    refuse(violations)
    return name, description


def list_changes(request: pb.UpdateContactListRequest) -> dict[str, object]:
    """The new values of a list by their columns. Raises `ValidationFailed`."""
    violations: list[Violation] = []
    values: dict[str, object] = {}
    if request.HasField("name"):
        values["name"] = list_name("name", request.name, violations)
    if request.HasField("description"):
        values["description"] = check_text(
            "description", request.description, MAX_DESCRIPTION_LENGTH, violations
        )
    refuse(violations)
    return values


def list_name(field: str, text: str, violations: list[Violation]) -> str:
    """The name of a list. Adds to `violations` if it is not one."""
    return check_text(field, text, MAX_LIST_NAME_LENGTH, violations, required=True)


def named(field: str, names: Sequence[str]) -> list[str]:
    """Ids and addresses, each once, in the form of the store.

    Raises `ValidationFailed` for none, and for more than 1,000.
    """
    if not 1 <= len(names) <= MAX_NAMED:
        refuse([Violation(field, f"must hold 1 to {MAX_NAMED} ids or addresses; it holds {len(names)}")])
    return list(dict.fromkeys(map(id_or_email, names)))


def id_or_email(text: str) -> str:
    """An id as it is, an address as it is stored, and anything else, which names no contact, as it is."""
    if is_id(text):
        return text
    try:
        return mailbox(text).key
    except NotAMailbox:
        return text.replace("\x00", "")


def check_list_id(id: str) -> str:
    """The id of a list. Raises `ContactListNotFound` for a text that is no id."""
    if not is_id(id):
        raise ContactListNotFound(id)
    return id


def search_of(text: str) -> str | None:
    """The text of a search, None for none. Raises `ValidationFailed`."""
    if len(text) > MAX_SEARCH_LENGTH or "\x00" in text:
        refuse([Violation("search", f"must have at most {MAX_SEARCH_LENGTH} characters, none of them NUL")])
    return text or None


def refuse(violations: Sequence[Violation]) -> None:
    """Raises `ValidationFailed` if there are violations."""
    if violations:
        raise ValidationFailed(violations)


def _changes(
    request: pb.CreateContactRequest | pb.UpdateContactRequest, violations: list[Violation]
) -> Changes:
    first, last = check_names(
        request.name if request.HasField("name") else None,
        request.first_name if request.HasField("first_name") else None,
        request.last_name if request.HasField("last_name") else None,
        violations,
    )
    return Changes(first, last, request.unsubscribed if request.HasField("unsubscribed") else None)
