"""Lists with a few items each, for the tests of their pages: a row for each method that lists.

A list is that of an organisation which nothing else uses, so that its length is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.world import Fields, World
from tests.harness.mailbox import mails_to, token_in
from tests.harness.stack import Organisation
from tests.harness.waiting import until_sync
from tests.harness.webhook_sink import sink_in_a_thread

PASSWORD = "correct horse battery"  # noqa: S105
MADE = 3


@dataclass(slots=True)
class Place:
    """An organisation, and how its things are made."""

    world: World
    org: Organisation

    def made(self, name: str, fields: Fields, credential: str = "") -> Fields:
        """The answer to a call of its session that must succeed, or of another credential."""
        return self.world.made(name, fields, credential or self.org.jwt)

    def email(self, **more: Any) -> str:
        """The id of a new email that waits for its time."""
        fields = self.world.email(self.org) | {"scheduled_at": self.world.later(), **more}
        return str(self.made("EmailService.SendEmail", fields, self.org.api_key)["id"])

    def webhook(self, url: str = "https://127.0.0.1:1") -> str:
        """The id of a new webhook."""
        fields = self.world.webhook() | {"url": f"{url}/200/{self.world.number()}"}
        return str(self.made("WebhookService.CreateWebhook", fields)["id"])

    def contact_list(self) -> str:
        """The id of a new list of contacts."""
        made = self.made("ContactsService.CreateContactList", {"name": f"List {self.world.number()}"})
        return str(made["contact_list"]["id"])


Making = Callable[[Place], Fields]
Credential = Callable[[World, Organisation], str]


def _session(world: World, org: Organisation) -> str:
    return org.jwt


def _key(world: World, org: Organisation) -> str:
    return org.api_key


def _operator(world: World, org: Organisation) -> str:
    return world.stack.operator_token


@dataclass(frozen=True, slots=True)
class Paged:
    """A list: `fill` makes MADE items or more and returns the request without its page.

    `empty` returns that of a list without items; None if there is always one. `rest` are the fields that JSON
    writes in another way.

    A list that `grows` has a new first item after each look at it.
    """

    fill: Making
    empty: Making | None
    credential: Credential = _session
    rest: Mapping[str, Any] = field(default_factory=dict)
    org: str = "paged"
    empty_org: str = "unused"
    grows: bool = False


def _repeated(make: Callable[[Place], object], fields: Making = lambda place: {}) -> Making:
    def fill(place: Place) -> Fields:
        for _ in range(MADE):
            make(place)
        return fields(place)

    return fill


def _nothing(place: Place) -> Fields:
    return {}


def _attachments(place: Place) -> Fields:
    files = [{"filename": f"{name}.txt", "content": "c2VjcmV0"} for name in "abc"]
    return {"email_id": place.email(attachments=files)}


def _job(place: Place) -> None:
    made = place.made(
        "BatchJobService.CreateBatchJob", {"emails": [place.world.email(place.org)]}, place.org.api_key
    )
    fields = {"id": str(made["job"]["id"])}

    def is_completed() -> bool:
        job = place.made("BatchJobService.GetBatchJob", fields)["job"]
        return bool(job["status"] == "BATCH_JOB_STATUS_COMPLETED")

    until_sync(is_completed)


def _canceled(place: Place) -> None:
    place.made("EmailService.CancelEmail", {"id": place.email()}, place.org.api_key)


def _attempts(place: Place) -> Fields:
    """An event that was sent, and sent again, to a webhook which took it each time."""
    with sink_in_a_thread() as sink:
        webhook_id = place.webhook(sink.url)
        event_id = place.made("WebhookService.TestWebhook", {"id": webhook_id})["event_id"]
        fields = {"webhook_id": webhook_id, "event_id": event_id}

        def attempts() -> int:
            return len(place.made("WebhookService.ListWebhookAttempts", fields).get("data", []))

        for number in range(1, MADE + 1):
            until_sync(lambda number=number: attempts() == number)  # type: ignore[misc]
            if number < MADE:
                place.made("WebhookService.ReplayWebhookEvent", fields)
    return fields


def _events(place: Place) -> Fields:
    webhook_id = place.webhook()
    for _ in range(MADE):
        place.made("WebhookService.TestWebhook", {"id": webhook_id})
    return {"webhook_id": webhook_id}


def _contact(place: Place) -> None:
    place.made("ContactsService.CreateContact", {"email": place.world.new_address()})


def _members_of_list(place: Place) -> Fields:
    id = place.contact_list()
    for _ in range(MADE):
        fields = {"email": place.world.new_address(), "contact_list_id": id}
        place.made("ContactsService.CreateContact", fields)
    return {"contact_list_id": id}


def _list_send(place: Place) -> None:
    fields = place.world.contacts.send() | {
        "contact_list_id": place.contact_list(),
        "from": f"a@{place.org.domain}",
    }
    place.made("ContactsService.SendToContactList", fields)


def _suppression(place: Place) -> None:
    place.made(
        "SuppressionService.CreateSuppression", {"email": place.world.new_address()}, place.org.api_key
    )


def _member(place: Place) -> None:
    address = place.world.new_address()
    place.made("AccountService.CreateInvitation", {"email": address})
    until_sync(lambda: bool(mails_to(place.world.stack.captured, address)))
    token = token_in(mails_to(place.world.stack.captured, address)[-1])
    place.world.made("AccountService.AcceptInvitation", {"token": token, "password": PASSWORD}, "")


def _invitation(place: Place) -> None:
    place.made("AccountService.CreateInvitation", {"email": place.world.new_address()})


def _erasure(place: Place) -> None:
    place.made("AccountService.CreateErasure", {"email": place.world.new_address()})


def _export(place: Place) -> None:
    id = place.made("AccountService.CreateExport", {})["data_export"]["id"]

    def is_completed() -> bool:
        shown = place.made("AccountService.GetExport", {"id": id})
        return bool(shown["data_export"]["status"] == "EXPORT_STATUS_COMPLETED")

    until_sync(is_completed)


def _operated(place: Place) -> None:
    days = {"bodies": 1 + place.world.number() % 30}
    fields = {"organisation_id": place.org.org_id, "days": days, "reason": "Pages."}
    place.made("AdminService.UpdateRetention", fields, place.world.stack.operator_token)


def _of_organisation(place: Place) -> Fields:
    return {"organisation_id": place.org.org_id}


LISTS: dict[str, Paged] = {
    "EmailService.ListEmails": Paged(_repeated(Place.email), _nothing, _key),
    "BatchJobService.ListBatchJobs": Paged(_repeated(_job), _nothing, _key),
    "AttachmentService.ListAttachments": Paged(
        _attachments, lambda place: {"email_id": place.email()}, _key, empty_org="exporting"
    ),
    "EventService.ListEvents": Paged(
        _repeated(_canceled, lambda place: {"types": ["EVENT_TYPE_EMAIL_CANCELED"]}),
        lambda place: {"types": ["EVENT_TYPE_EMAIL_CANCELED"]},
        _key,
        {"types": "email.canceled"},
    ),
    # An organisation's first domain and key, with which it is made, and its owner are always there.
    "DomainService.ListDomains": Paged(
        _repeated(
            lambda place: place.made(
                "DomainService.CreateDomain", {"domain": f"paged-{place.world.number()}.example.com"}
            )
        ),
        None,
        _key,
    ),
    "ApiKeyService.ListApiKeys": Paged(
        _repeated(lambda place: place.made("ApiKeyService.CreateApiKey", {"name": "paged"})), None, _key
    ),
    "WebhookService.ListWebhooks": Paged(_repeated(Place.webhook), _nothing, _key),
    "WebhookService.ListWebhookEvents": Paged(_events, lambda place: {"webhook_id": place.webhook()}, _key),
    # An event has an attempt, or will have.
    "WebhookService.ListWebhookAttempts": Paged(_attempts, None, _key),
    "SuppressionService.ListSuppressions": Paged(_repeated(_suppression), _nothing, _key),
    "ContactsService.ListContacts": Paged(_repeated(_contact), _nothing),
    "ContactsService.ListContactLists": Paged(_repeated(Place.contact_list), _nothing),
    "ContactsService.ListContactListMembers": Paged(
        _members_of_list, lambda place: {"contact_list_id": place.contact_list()}
    ),
    "ContactsService.ListContactListSends": Paged(_repeated(_list_send), _nothing),
    "AccountService.ListMembers": Paged(_repeated(_member), None),
    "AccountService.ListInvitations": Paged(_repeated(_invitation), _nothing),
    "AccountService.ListAuditEntries": Paged(_repeated(_invitation), _nothing),
    "AccountService.ListErasures": Paged(_repeated(_erasure), _nothing),
    "AccountService.ListExports": Paged(_repeated(_export), _nothing, org="exporting"),
    "AdminService.ListOrganisationAccounts": Paged(
        _nothing, lambda place: {"search": "nobody has this name"}, _operator
    ),
    "AdminService.ListOrganisationMembers": Paged(_repeated(_member, _of_organisation), None, _operator),
    "AdminService.ListOrganisationSuppressions": Paged(
        _repeated(_suppression, _of_organisation), _of_organisation, _operator
    ),
    # A look at the log of an organisation is in it too; nobody else looks at this organisation.
    "AdminService.ListOperatorEntries": Paged(
        _repeated(_operated, _of_organisation), None, _operator, org="exporting", grows=True
    ),
}
