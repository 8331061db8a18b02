"""Contacts in `/v1`: their shapes, and the names that Resend's clients know them by (section D, C-11).

Resend has had two words for lists of contacts: audiences, then segments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edge.dialects.dialect import RouteRules, Upload
from edge.dialects.sends import KEY_HEADERS, replayed_header
from edge.transcoding.json_value import Json
from edge.transcoding.request_shape import OtherForm, RequestShape, or_else
from edge.transcoding.response_shape import ResponseShape, always, computed, same_as
from edge.transcoding.routes import Route
from edge.transcoding.schema import TEXT, Schema, nullable, object_of
from edge.transcoding.template import parse

_LIST, _CONTACT = "{contact_list_id}", "{id_or_email}"
_WORDS = {"contact-lists": "", "segments": "segment", "audiences": "audience"}
# Further routes of methods, with the word for lists left out.
_OF_LISTS: Sequence[tuple[str, str, str]] = (
    ("CreateContactList", "POST", ""),
    ("ListContactLists", "GET", ""),
    ("GetContactList", "GET", "/{id}"),
    ("UpdateContactList", "PATCH", "/{id}"),
    ("DeleteContactList", "DELETE", "/{id}"),
    ("ListContactListMembers", "GET", f"/{_LIST}/contacts"),
    ("CreateContact", "POST", f"/{_LIST}/contacts"),
    ("GetContact", "GET", f"/{_LIST}/contacts/{_CONTACT}"),
    ("UpdateContact", "PATCH", f"/{_LIST}/contacts/{_CONTACT}"),
    ("RemoveContactListMember", "DELETE", f"/{_LIST}/contacts/{_CONTACT}"),
)
_OF_CONTACTS: Sequence[tuple[str, str, str]] = (
    ("ListContactLists", "GET", ""),
    ("AddContactListMember", "POST", f"/{_LIST}"),
    ("RemoveContactListMember", "DELETE", f"/{_LIST}"),
)


def further_routes(routes: Sequence[Route]) -> list[Route]:
    """Further routes to the methods of the given ones: Resend's names, and `DELETE /v1/contacts`."""
    named = {route.method.name: route for route in routes if "Contact" in route.method.name}
    wanted = [("BatchRemoveContacts", "DELETE", "/v1/contacts")]
    for word in _WORDS:
        wanted += [(method, verb, f"/v1/{word}{rest}") for method, verb, rest in _OF_LISTS]
        wanted += [
            (method, verb, f"/v1/contacts/{_CONTACT}/{word}{rest}") for method, verb, rest in _OF_CONTACTS
        ]
    known = {(route.verb, route.path) for route in routes}
    return [
        replace(
            named[method],
            verb=verb,
            path=path,
            segments=parse(path),
            body=named[method].body if verb in ("POST", "PATCH") or method == "BatchRemoveContacts" else "",
        )
        for method, verb, path in wanted
        if (verb, path) not in known
    ]


def response_of(route: Route, lists: ResponseShape) -> ResponseShape | None:
    """The shape of an answer with lists, by the word in the route's path; None for every other answer."""
    word = next((word for name, word in _WORDS.items() if name in route.path.split("/")), "")
    name = route.method.name
    if not word or not name.endswith(("ContactList", "ContactLists")):
        return None
    shape = ResponseShape(word)
    return replace(lists, items={"data": shape}) if name.startswith("List") else shape


def _ids(value: Json) -> Json:
    """The ids of objects that have one: `[{"id": "..."}]`."""
    if type(value) is not list:
        return value
    return [item["id"] if type(item) is dict and "id" in item else item for item in value]


def _or_objects(own: Schema) -> Schema:
    objects = {"type": "array", "items": object_of({"id": TEXT})}
    bare = {key: value for key, value in own.items() if key != "description"}
    return {"anyOf": [bare, objects], "description": own.get("description", "")}


# Z-51: the server counts the bytes of the file; a form has some beside it.
_FILE_BYTES = (10 << 20) + (64 << 10) + (16 << 10)
_IMPORT_NAMES = {"listId": "contact_list_id"}

RULES: Mapping[str, RouteRules] = {
    "zidimail.v1.ContactsService.SendToContactList": RouteRules(
        request_headers=KEY_HEADERS, response_headers=replayed_header
    ),
    "zidimail.v1.ContactsService.ImportContactsFile": RouteRules(
        body_limit=_FILE_BYTES,
        upload=Upload(
            "file",
            (
                "text/csv",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "application/vnd.ms-excel",
            ),
        ),
    ),
}

_NAME: Schema = {"maxLength": 256}
_PART: Schema = {"maxLength": 128}
_NAMES: Mapping[str, Schema] = {"name": _NAME, "first_name": _PART, "last_name": _PART}
_LIST_LIMITS: Mapping[str, Schema] = {"name": {"maxLength": 100}, "description": {"maxLength": 500}}
_NAMED: Schema = {"minItems": 1, "maxItems": 1000}

REQUESTS: Mapping[str, RequestShape] = {
    "CreateContactRequest": RequestShape(
        same_as={"segments": "contact_list_ids"},
        aliases={
            "listIds": "contact_list_ids",
            "listId": "contact_list_id",
            "audience_id": "contact_list_id",
            "audienceId": "contact_list_id",
        },
        forms={"contact_list_ids": OtherForm(_ids, _or_objects)},
        described={**_NAMES, "contact_list_ids": {"maxItems": 100}},
        example={"email": "ada@example.org", "name": "Ada Lovelace"},
    ),
    "UpdateContactRequest": RequestShape(
        aliases={"audience_id": "contact_list_id", "audienceId": "contact_list_id"},
        described=_NAMES,
        example={"unsubscribed": True},
    ),
    "BatchRemoveContactsRequest": RequestShape(
        same_as={"ids": "contacts"},
        described={"contacts": _NAMED},
        example={"contacts": ["ada@example.org", "bob@example.org"]},
    ),
    "CreateContactListRequest": RequestShape(
        described=_LIST_LIMITS, example={"name": "Customers", "description": "Whoever bought something"}
    ),
    "UpdateContactListRequest": RequestShape(described=_LIST_LIMITS),
    "ImportContactsRequest": RequestShape(
        aliases=_IMPORT_NAMES,
        described={"contacts": {"maxItems": 10_000}, "new_list_name": {"maxLength": 100}},
        example={"contacts": [{"email": "ada@example.org", "name": "Ada Lovelace"}]},
    ),
    "ImportContactsFileRequest": RequestShape(aliases=_IMPORT_NAMES),
    "ImportContactsSheetRequest": RequestShape(
        aliases=_IMPORT_NAMES,
        described={"new_list_name": {"maxLength": 100}},
        example={
            "url": "https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit"
        },
    ),
    "SendToContactListRequest": RequestShape(
        forms={"reply_to": or_else(lambda value: [value] if type(value) is str else value, TEXT)},
        described={"subject": {"maxLength": 998}},
        undescribed=("idempotency_key",),
        example={
            "from": "Shop <news@example.com>",
            "subject": "News for {{name}}",
            "html": "<p>Dear {{first_name}},</p>",
        },
    ),
    "AddContactListMembersRequest": RequestShape(
        described={"members": _NAMED}, example={"members": ["ada@example.org"]}
    ),
}

_TEXTS = ("name", "first_name", "last_name")
# Left out where they are empty.
_OF_FILES = ("preview", "email_column", "name_column")

RESPONSES: Mapping[str, ResponseShape] = {
    "Contact": ResponseShape(
        "contact", {name: computed(name, lambda text: text or None, nullable(TEXT)) for name in _TEXTS}
    ),
    "DeleteContactResponse": ResponseShape("contact", {"contact": same_as("id")}),
    "BatchRemoveContactsResponse": ResponseShape("contact", {"deleted": always(True)}),
    "ContactQuota": ResponseShape("contact_quota"),
    # Z-53
    "ContactImport": ResponseShape(
        "contact_import",
        {
            "ok": always(True),
            "listId": same_as("contact_list_id"),
            **{name: computed(name, lambda value: value or None, nullable) for name in _OF_FILES},
        },
        hidden=("contact_list_id",),
        optional=_OF_FILES,
        items={
            "quota": ResponseShape(
                added={"maxContacts": same_as("max_contacts"), "currentCount": same_as("current_count")},
                hidden=("max_contacts", "current_count", "max_import_rows", "max_lists", "current_lists"),
            )
        },
    ),
    "ContactList": ResponseShape("contact_list"),
    "DeleteContactListResponse": ResponseShape("contact_list"),
    "ContactListSend": ResponseShape(
        "contact_list_send",
        {name: computed(name, lambda text: text or None, nullable) for name in ("reason", "message")},
    ),
    "AddContactListMembersResponse": ResponseShape("contact_list"),
    "AddContactListMemberResponse": ResponseShape("contact"),
    "RemoveContactListMemberResponse": ResponseShape("contact", {"contact": same_as("id")}),
}
