"""The matrix itself, written from the documents: a row for each method. A method without one fails.

`kinds` is who may call: K an API key, J a session (the Auth column of the documents), I an internal caller,
O an operator; an open method asks for nothing.
`permission` is what a key needs besides, or `any`. `fields` makes a good request of organisation A's;
`points_to` makes, for every field that can point at an organisation's data, a value of A's, and `beside`
the rest of a request with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.people import (
    audit_entry_id,
    erasure_id,
    export_id,
    invitation_id,
    member_id,
    new_session,
    session_of_a_member,
)
from tests.contract.world import MISSING_ID, Fields, World
from tests.harness.sheets_server import SHARED, address

K, J, KJ, INTERNAL, OPERATOR, OPEN = "K", "J", "KJ", "I", "O", ""


@dataclass(frozen=True, slots=True)
class Row:
    """The callers that one method admits, and the fields of a good request."""

    document: str
    kinds: str
    permission: str
    fields: Callable[[World], Fields] = lambda world: {}
    points_to: Mapping[str, Callable[[World], str]] = field(default_factory=dict)
    beside: Callable[[World, str], Fields] = lambda world, field: {}
    rest: Mapping[str, Any] = field(default_factory=dict)
    created: bool = False
    # A key that is bound to domains may call it, and reaches what is of its domains (C-90).
    bound: bool = False
    # The code and the reason of the answer to a caller that is admitted.
    answer: tuple[str, str] = ("OK", "")
    # The least role of a session, if not that which follows from the permission.
    least: str = ""
    # The session that calls, if the call would end the one that the other rows use.
    session: Callable[[World], str] | None = None

    @property
    def role(self) -> str:
        """The least role of a session that may call it (C-77)."""
        return self.least or ("admin" if self.permission == "full" else "read_only")


def webhook_of(world: World) -> str:
    return world.webhook_event["webhook_id"]


def event_of(world: World) -> str:
    return world.webhook_event["event_id"]


def beside_webhook_event(world: World, field: str) -> Fields:
    """A's event with A's webhook, or with the stranger's own."""
    return {"event_id": event_of(world)} if field == "webhook_id" else {"webhook_id": world.b_webhook_id}


def beside_webhook(world: World, field: str) -> Fields:
    """Nothing, or for a place in the list of its events the stranger's own webhook."""
    return {} if field == "webhook_id" else {"webhook_id": world.b_webhook_id}


def beside_attachment(world: World, field: str) -> Fields:
    """A's file with A's email, or with the stranger's own."""
    if field == "email_id":
        return {"attachment_id": world.attachment["attachment_id"]}
    return {"email_id": world.b_email_id}


def beside_email(world: World, field: str) -> Fields:
    """Nothing, or for a place in the list of its files the stranger's own email."""
    return {} if field == "email_id" else {"email_id": world.b_email_id}


def beside_feedback(world: World, field: str) -> Fields:
    """A's email with the organisation B, or B's email with the organisation A."""
    return {"org_id": world.b.org_id} if field == "email_id" else {"email_id": world.b_email_id}


def cursors(id_of: Callable[[World], str]) -> Mapping[str, Callable[[World], str]]:
    """The places in a list that something of A's stands for."""
    return {"after": id_of, "before": id_of}


OF_CONTACT = {"id_or_email": lambda world: world.contacts.one["id"]}
OF_SEND = {"id": lambda world: world.contacts.send_id}
IN_LIST = {"contact_list_id": lambda world: world.contacts.list_id}


def beside_contact(world: World, field: str) -> Fields:
    """A's contact with A's list, or with the stranger's own."""
    if field == "id_or_email":
        return {"contact_list_id": world.contacts.b_list_id}
    return {"id_or_email": world.contacts.b_id}


def beside_list(world: World, field: str) -> Fields:
    """Nothing, or for a place in the list of its members the stranger's own list."""
    return {} if field == "contact_list_id" else {"contact_list_id": world.contacts.b_list_id}


OF_ATTACHMENT = {
    "email_id": lambda world: world.attachment["email_id"],
    "attachment_id": lambda world: world.attachment["attachment_id"],
}
OF_EMAIL = {"org_id": lambda world: world.a.org_id, "email_id": lambda world: world.email_id}
OF_WEBHOOK = {"id": webhook_of}
OF_WEBHOOK_EVENTS = {"webhook_id": webhook_of}
OF_WEBHOOK_EVENT = {**OF_WEBHOOK_EVENTS, "event_id": event_of}


NEW_PASSWORD = "correct horse battery"  # noqa: S105
NO_TOKEN = f"{MISSING_ID}_{'A' * 43}"
NO_CODE = ("UNAUTHENTICATED", "INVALID_CODE")
NO_SECOND_FACTOR = ("FAILED_PRECONDITION", "SECOND_FACTOR_NOT_ACTIVE")
NO_BILLING = ("NOT_FOUND", "BILLING_NOT_CONFIGURED")
NO_PROVIDER = ("NOT_FOUND", "OIDC_NOT_CONFIGURED")
NO_LINK = ("FAILED_PRECONDITION", "LINK_NOT_VALID")


def code_of_no_app(world: World) -> Fields:
    """A wrong code of a second factor that A has begun."""
    world.made("AccountService.BeginTotp", {"password": world.a.password}, world.a.jwt)
    return {"code": "none"}


def of_operators() -> dict[str, Row]:
    """The rows of AdminService (C-76, F-14): requests name the organisation."""

    def of_a(**fields: Any) -> Callable[[World], Fields]:
        return lambda world: {
            "organisation_id": world.a.org_id,
            **{name: value(world) if callable(value) else value for name, value in fields.items()},
        }

    def a_user(world: World) -> str:
        return world.a.user_id

    of_organisation = {"organisation_id": lambda world: world.a.org_id}
    of_organisations = {
        "after": of_organisation["organisation_id"],
        "before": of_organisation["organisation_id"],
    }
    entries = cursors(lambda world: MISSING_ID)
    why = {"reason": "The matrix."}

    def row(
        fields: Callable[[World], Fields] = lambda world: {},
        points_to: Mapping[str, Callable[[World], str]] | None = None,
        **more: Any,
    ) -> Row:
        return Row("F-14", OPERATOR, "", fields, points_to or {}, **more)

    def suppressed(world: World) -> str:
        return str(world.new_suppression()["id"])

    return {
        f"AdminService.{name}": row
        for name, row in {
            "ListOrganisationAccounts": row(points_to=of_organisations),
            "GetOrganisationAccount": row(of_a(), of_organisation),
            "UpdateOrganisationAccount": row(of_a(**why), of_organisation),
            "ChangeAccountState": row(
                of_a(state="ACCOUNT_STATE_HEALTHY"), of_organisation, rest={"state": "healthy"}
            ),
            "ListOrganisationMembers": row(of_a(), {**of_organisation, **cursors(a_user)}),
            "RemoveSecondFactor": row(
                of_a(member_id=a_user, **why),
                {**of_organisation, "member_id": a_user},
                answer=("FAILED_PRECONDITION", "NO_SECOND_FACTOR"),
            ),
            "CreateImpersonation": row(
                of_a(user_id=a_user, **why), {**of_organisation, "user_id": a_user}, created=True
            ),
            "ListOrganisationSuppressions": row(of_a(), {**of_organisation, **cursors(suppressed)}),
            "RemoveOrganisationSuppression": row(
                of_a(id_or_email=suppressed, **why), {**of_organisation, "id_or_email": suppressed}
            ),
            "GetRetention": row(of_a(), of_organisation),
            "UpdateRetention": row(of_a(days={"bodies": 30}), of_organisation),
            "GetPlanLimits": row(),
            "UpdatePlanLimits": row(lambda world: {"plan_id": "pro"}, {"plan_id": lambda world: "pro"}),
            "GetQueueOverview": row(points_to=of_organisation),
            "GetAbuseFigures": row(),
            "ListOperatorEntries": row(points_to={**of_organisation, **entries}),
        }.items()
    }


ROWS: dict[str, Row] = {
    "AccessService.GetCaller": Row("C-41", KJ + INTERNAL + OPERATOR, "any", bound=True),
    "EmailService.SendEmail": Row("Z-11", K, "send_only", lambda world: world.email(), bound=True),
    "EmailService.BatchSendEmails": Row(
        "Z-26", K, "send_only", lambda world: {"emails": [world.email()] * 2}, bound=True
    ),
    "EmailService.SendRawEmail": Row("F-12", K, "send_only", lambda world: world.raw_email(), bound=True),
    "EmailService.BatchSendRawEmails": Row(
        "F-12", K, "send_only", lambda world: {"emails": [world.raw_email() for _ in range(2)]}, bound=True
    ),
    "EmailService.CheckEnvelope": Row(
        "C-31", K, "send_only", lambda world: {"mail_from": world.email()["from"]}, bound=True
    ),
    "EmailService.GetEmail": Row(
        "Z-28",
        KJ,
        "any",
        lambda world: {"id": world.email_id},
        {"id": lambda world: world.email_id},
        bound=True,
    ),
    "EmailService.ListEmails": Row(
        "Z-27",
        KJ,
        "any",
        points_to={
            "after": lambda world: world.email_id,
            "before": lambda world: world.email_id,
            "job_id": lambda world: world.job_id,
        },
        bound=True,
    ),
    "BatchJobService.CreateBatchJob": Row(
        "S-11", K, "send_only", lambda world: {"emails": [world.email()] * 2}, created=True, bound=True
    ),
    "BatchJobService.GetBatchJob": Row(
        "S-13",
        KJ,
        "any",
        lambda world: {"id": world.job_id},
        {"id": lambda world: world.job_id},
        bound=True,
    ),
    "BatchJobService.ListBatchJobs": Row(
        "S-12", KJ, "any", points_to=cursors(lambda world: world.job_id), bound=True
    ),
    "AttachmentService.ListAttachments": Row(
        "Z-23",
        KJ,
        "any",
        lambda world: {"email_id": world.attachment["email_id"]},
        {"email_id": OF_ATTACHMENT["email_id"], **cursors(OF_ATTACHMENT["attachment_id"])},
        beside_email,
        bound=True,
    ),
    "AttachmentService.GetAttachment": Row(
        "Z-23", KJ, "any", lambda world: world.attachment, OF_ATTACHMENT, beside_attachment, bound=True
    ),
    "DomainService.CreateDomain": Row(
        "Z-30",
        KJ,
        "full",
        lambda world: {"domain": f"new-{world.number()}.example.com"},
        created=True,
    ),
    "DomainService.GetDomain": Row(
        "Z-32",
        KJ,
        "read_only",
        lambda world: {"id": world.a.domain_id},
        {"id": lambda world: world.a.domain_id},
        bound=True,
    ),
    "DomainService.ListDomains": Row(
        "Z-31", KJ, "read_only", points_to=cursors(lambda world: world.a.domain_id), bound=True
    ),
    "DomainService.VerifyDomain": Row(
        "Z-33",
        KJ,
        "full",
        lambda world: {"id": world.new_domain()},
        {"id": lambda world: world.a.domain_id},
        bound=True,
    ),
    "DomainService.DeleteDomain": Row(
        "Z-34",
        KJ,
        "full",
        lambda world: {"id": world.new_domain()},
        {"id": lambda world: world.new_domain()},
        bound=True,
    ),
    "ApiKeyService.CreateApiKey": Row(
        "Z-35",
        J,
        "full",
        lambda world: {"name": "new"},
        {"domain_id": lambda world: world.a.domain_id},
        lambda world, field: {"name": "new"},
        created=True,
    ),
    "ApiKeyService.ListApiKeys": Row(
        "Z-36", KJ, "read_only", points_to=cursors(lambda world: world.a.key_id)
    ),
    "ApiKeyService.DeleteApiKey": Row(
        "Z-37",
        J,
        "full",
        lambda world: {"id": world.new_key("PERMISSION_FULL")[0]},
        {"id": lambda world: world.a.key_id},
    ),
    "WebhookService.CreateWebhook": Row(
        "Z-38",
        KJ,
        "full",
        lambda world: world.webhook(),
        rest={"events": ["email.bounced"]},
        created=True,
    ),
    "WebhookService.ListWebhooks": Row("Z-39", KJ, "read_only", points_to=cursors(webhook_of)),
    "WebhookService.DeleteWebhook": Row(
        "Z-40",
        KJ,
        "full",
        lambda world: {"id": world.new_webhook()},
        {"id": lambda world: world.new_webhook()},
    ),
    "EventService.ListEvents": Row(
        "F-8",
        KJ,
        "read_only",
        points_to={"email_id": lambda world: world.email_id, "after": lambda world: world.cursor},
        bound=True,
    ),
    "EventService.WatchEvents": Row(
        "F-8",
        KJ,
        "read_only",
        lambda world: {"from_beginning": True},
        {"after": lambda world: world.cursor},
        bound=True,
    ),
    "EmailService.UpdateEmail": Row(
        "F-2",
        K,
        "send_only",
        lambda world: {"id": world.new_scheduled(), "scheduled_at": world.later()},
        {"id": lambda world: world.new_scheduled()},
        lambda world, field: {"scheduled_at": world.later()},
        bound=True,
    ),
    "EmailService.CancelEmail": Row(
        "F-2",
        K,
        "send_only",
        lambda world: {"id": world.new_scheduled()},
        {"id": lambda world: world.new_scheduled()},
        bound=True,
    ),
    "EmailService.GetEmailStats": Row("Z-29", KJ, "read_only"),
    "DomainService.UpdateDomain": Row(
        "C-34",
        KJ,
        "full",
        lambda world: {"id": world.new_domain(), "open_tracking": True},
        {"id": lambda world: world.a.domain_id},
        lambda world, field: {"open_tracking": True},
        bound=True,
    ),
    "DomainService.RotateDomainKeys": Row(
        "F-11",
        KJ,
        "full",
        lambda world: {"id": world.new_domain()},
        {"id": lambda world: world.a.domain_id},
        bound=True,
    ),
    "ApiKeyService.UpdateApiKey": Row(
        "F-7",
        J,
        "full",
        lambda world: {"id": world.new_key("PERMISSION_FULL")[0], "name": "renamed"},
        {"id": lambda world: world.a.key_id},
        lambda world, field: {"name": "stolen"},
    ),
    "WebhookService.GetWebhook": Row(
        "F-3", KJ, "read_only", lambda world: {"id": webhook_of(world)}, OF_WEBHOOK
    ),
    "WebhookService.UpdateWebhook": Row(
        "F-3",
        KJ,
        "full",
        lambda world: {"id": world.new_webhook(), "url": f"https://127.0.0.1:1/moved/{world.number()}"},
        OF_WEBHOOK,
        lambda world, field: {"url": "https://127.0.0.1:1/stolen"},
    ),
    "WebhookService.RotateWebhookSecret": Row(
        "F-3", KJ, "full", lambda world: {"id": world.new_webhook()}, OF_WEBHOOK
    ),
    "WebhookService.TestWebhook": Row(
        "F-3", KJ, "full", lambda world: {"id": world.new_webhook()}, OF_WEBHOOK
    ),
    "WebhookService.ListWebhookEvents": Row(
        "F-3",
        KJ,
        "read_only",
        lambda world: {"webhook_id": webhook_of(world)},
        {**OF_WEBHOOK_EVENTS, **cursors(event_of)},
        beside_webhook,
    ),
    "WebhookService.GetWebhookEvent": Row(
        "F-3", KJ, "read_only", lambda world: world.webhook_event, OF_WEBHOOK_EVENT, beside_webhook_event
    ),
    "WebhookService.ListWebhookAttempts": Row(
        "F-3",
        KJ,
        "read_only",
        lambda world: world.webhook_event,
        {**OF_WEBHOOK_EVENT, **cursors(event_of)},
        beside_webhook_event,
    ),
    "WebhookService.ReplayWebhookEvent": Row(
        "F-3", KJ, "full", lambda world: world.webhook_event, OF_WEBHOOK_EVENT, beside_webhook_event
    ),
    "WebhookService.ReplayWebhookEvents": Row(
        "F-3",
        KJ,
        "full",
        lambda world: {"webhook_id": webhook_of(world), "since": world.earlier()},
        OF_WEBHOOK_EVENTS,
        lambda world, field: {"since": world.earlier()},
    ),
    "SuppressionService.CreateSuppression": Row(
        "F-4", KJ, "full", lambda world: {"email": world.new_address()}, created=True
    ),
    "SuppressionService.GetSuppression": Row(
        "F-4",
        KJ,
        "read_only",
        lambda world: {"id_or_email": world.suppression["id"]},
        {"id_or_email": lambda world: world.suppression["id"]},
    ),
    "SuppressionService.ListSuppressions": Row(
        "F-4",
        KJ,
        "read_only",
        points_to={
            "after": lambda world: world.suppression["id"],
            "before": lambda world: world.suppression["id"],
        },
    ),
    "SuppressionService.DeleteSuppression": Row(
        "F-4",
        KJ,
        "full",
        lambda world: {"id_or_email": world.new_suppression()["id"]},
        {"id_or_email": lambda world: world.suppression["id"]},
    ),
    "SuppressionService.BatchAddSuppressions": Row(
        "F-4", KJ, "full", lambda world: {"emails": [world.new_address()]}
    ),
    "SuppressionService.BatchRemoveSuppressions": Row(
        "F-4", KJ, "full", lambda world: {"emails": [world.new_suppression()["email"]]}
    ),
    "ContactsService.CreateContact": Row(
        "Z-49",
        J,
        "",
        lambda world: {"email": world.new_address()},
        IN_LIST,
        lambda world, field: {"email": world.new_address()},
        created=True,
        least="member",
    ),
    "ContactsService.ListContacts": Row(
        "Z-49",
        J,
        "",
        points_to={**cursors(OF_CONTACT["id_or_email"]), **IN_LIST},
    ),
    "ContactsService.GetContact": Row(
        "section D",
        J,
        "",
        lambda world: {"id_or_email": world.contacts.one["id"]},
        {**OF_CONTACT, **IN_LIST},
        lambda world, field: {} if field == "id_or_email" else {"id_or_email": world.contacts.b_id},
    ),
    "ContactsService.UpdateContact": Row(
        "section D",
        J,
        "",
        lambda world: {"id_or_email": world.contacts.new()["email"], "first_name": "Ada"},
        {**OF_CONTACT, **IN_LIST},
        lambda world, field: {} if field == "id_or_email" else {"id_or_email": world.contacts.b_id},
        least="member",
    ),
    "ContactsService.DeleteContact": Row(
        "C-11",
        J,
        "",
        lambda world: {"id_or_email": world.contacts.new()["id"]},
        OF_CONTACT,
        least="member",
    ),
    "ContactsService.BatchRemoveContacts": Row(
        "C-11", J, "", lambda world: {"contacts": [world.contacts.new()["email"]]}, least="member"
    ),
    "ContactsService.GetContactQuota": Row("Z-48", J, ""),
    "ContactsService.CreateContactList": Row(
        "Z-49", J, "", lambda world: {"name": "Customers"}, created=True, least="member"
    ),
    "ContactsService.ListContactLists": Row(
        "Z-49",
        J,
        "",
        points_to={**cursors(IN_LIST["contact_list_id"]), **OF_CONTACT},
    ),
    "ContactsService.GetContactList": Row(
        "section D",
        J,
        "",
        lambda world: {"id": world.contacts.list_id},
        {"id": IN_LIST["contact_list_id"]},
    ),
    "ContactsService.UpdateContactList": Row(
        "section D",
        J,
        "",
        lambda world: {"id": world.contacts.list_id, "name": "Customers"},
        {"id": IN_LIST["contact_list_id"]},
        lambda world, field: {"name": "Customers"},
        least="member",
    ),
    "ContactsService.DeleteContactList": Row(
        "Z-49",
        J,
        "",
        lambda world: {"id": world.contacts.new_list()},
        {"id": IN_LIST["contact_list_id"]},
        least="member",
    ),
    "ContactsService.ListContactListMembers": Row(
        "Z-49",
        J,
        "",
        lambda world: {"contact_list_id": world.contacts.list_id},
        {**IN_LIST, **cursors(OF_CONTACT["id_or_email"])},
        beside_list,
    ),
    "ContactsService.AddContactListMembers": Row(
        "Z-49",
        J,
        "",
        lambda world: {"contact_list_id": world.contacts.list_id, "members": [world.contacts.one["id"]]},
        IN_LIST,
        lambda world, field: {"members": [world.contacts.b_id]},
        least="member",
    ),
    "ContactsService.AddContactListMember": Row(
        "section D",
        J,
        "",
        lambda world: {"contact_list_id": world.contacts.list_id, "id_or_email": world.contacts.one["id"]},
        {**OF_CONTACT, **IN_LIST},
        beside_contact,
        least="member",
    ),
    "ContactsService.RemoveContactListMember": Row(
        "Z-49",
        J,
        "",
        lambda world: {
            "contact_list_id": world.contacts.list_id,
            "id_or_email": world.contacts.new(world.contacts.list_id)["id"],
        },
        {**OF_CONTACT, **IN_LIST},
        beside_contact,
        least="member",
    ),
    "ContactsService.SendToContactList": Row(
        "Z-55",
        J,
        "",
        lambda world: world.contacts.send(),
        IN_LIST,
        lambda world, field: {"from": f"a@{world.b.domain}", "subject": "x", "text": "x"},
        least="member",
    ),
    "ContactsService.GetContactListSend": Row(
        "Z-55", J, "", lambda world: {"id": world.contacts.send_id}, OF_SEND
    ),
    "ContactsService.WatchContactListSend": Row(
        "Z-55",
        J,
        "",
        lambda world: {"contact_list_send_id": world.contacts.send_id},
        {"contact_list_send_id": OF_SEND["id"]},
    ),
    "ContactsService.Unsubscribe": Row(
        "RFC 8058", OPEN, "", lambda world: {"token": "A" * 64}, answer=NO_LINK
    ),
    "ContactsService.ListContactListSends": Row("Z-55", J, "", points_to=cursors(OF_SEND["id"])),
    "ContactsService.CancelContactListSend": Row(
        "Z-55", J, "", lambda world: {"id": world.contacts.send_id}, OF_SEND, least="member"
    ),
    "ContactsService.ImportContacts": Row(
        "C-11",
        J,
        "",
        lambda world: {"contacts": [{"email": world.new_address()}]},
        IN_LIST,
        lambda world, field: {"contacts": [{"email": world.new_address()}]},
        least="member",
    ),
    "ContactsService.ImportContactsFile": Row(
        "Z-50",
        J,
        "",
        lambda world: {"content": "ZW1haWwKYUBleGFtcGxlLm9yZw=="},
        IN_LIST,
        lambda world, field: {"content": "ZW1haWwKYUBleGFtcGxlLm9yZw=="},
        least="member",
    ),
    "ContactsService.ImportContactsSheet": Row(
        "C-11",
        J,
        "",
        lambda world: {"url": address(SHARED)},
        IN_LIST,
        lambda world, field: {"url": address(SHARED)},
        least="member",
    ),
    "FeedbackService.RecordComplaint": Row(
        "V-1",
        INTERNAL,
        "",
        lambda world: {
            "org_id": world.a.org_id,
            "email_id": world.email_id,
            "recipient": "complainer@example.org",
        },
        OF_EMAIL,
        lambda world, field: {**beside_feedback(world, field), "recipient": "complainer@example.org"},
    ),
    "FeedbackService.RecordBounce": Row(
        "V-1",
        INTERNAL,
        "",
        lambda world: {
            "org_id": world.a.org_id,
            "email_id": world.email_id,
            "recipient": "complainer@example.org",
            "enhanced_status": "5.1.1",
        },
        OF_EMAIL,
        lambda world, field: {
            **beside_feedback(world, field),
            "recipient": "complainer@example.org",
            "enhanced_status": "5.1.1",
        },
    ),
    "UsageService.GetUsage": Row("F-9", KJ, "read_only", bound=True),
    # The matrix has no settings of PayPal: those who are admitted hear that there is no billing (C-79).
    "BillingService.GetBilling": Row("C-79", J, "read_only", answer=NO_BILLING, least="owner"),
    "BillingService.Subscribe": Row(
        "C-79", J, "full", lambda world: {"plan": "pro"}, answer=NO_BILLING, least="owner"
    ),
    "BillingService.ChangeSubscription": Row(
        "C-79", J, "full", lambda world: {"plan": "pro"}, answer=NO_BILLING, least="owner"
    ),
    "BillingService.CancelSubscription": Row("C-79", J, "full", answer=NO_BILLING, least="owner"),
    "BillingService.RecordPayPalEvent": Row(
        "C-79",
        INTERNAL,
        "",
        lambda world: {"body": "e30="},
        {"transmission_id": lambda world: MISSING_ID},
        answer=NO_BILLING,
    ),
    "AccountService.Register": Row(
        "C-10", OPEN, "", lambda world: {"email": world.new_address(), "password": NEW_PASSWORD}
    ),
    "AccountService.ConfirmRegistration": Row(
        "C-10", OPEN, "", lambda world: {"token": NO_TOKEN}, answer=NO_LINK
    ),
    "AccountService.Login": Row(
        "C-10",
        OPEN,
        "",
        lambda world: {"email": world.a_email, "password": world.a.password},
        {"org_id": lambda world: world.a.org_id},
    ),
    "AccountService.BeginOidcLogin": Row("C-10", OPEN, "", answer=NO_PROVIDER),
    "AccountService.FinishOidcLogin": Row(
        "C-10",
        OPEN,
        "",
        lambda world: {"code": "none", "state": NO_TOKEN},
        {"org_id": lambda world: world.a.org_id},
        answer=NO_PROVIDER,
    ),
    "AccountService.Logout": Row("C-10", J, "read_only", session=new_session),
    "AccountService.GetSession": Row("C-10", J, "read_only"),
    "AccountService.RequestPasswordReset": Row(
        "C-10", OPEN, "", lambda world: {"email": world.new_address()}
    ),
    "AccountService.ResetPassword": Row(
        "C-10", OPEN, "", lambda world: {"token": NO_TOKEN, "password": NEW_PASSWORD}, answer=NO_LINK
    ),
    "AccountService.ChangePassword": Row(
        "C-10",
        J,
        "read_only",
        lambda world: {"current_password": world.a.password, "new_password": world.a.password},
    ),
    "AccountService.BeginTotp": Row("C-10", J, "read_only", lambda world: {"password": world.a.password}),
    "AccountService.ActivateTotp": Row("C-10", J, "read_only", code_of_no_app, answer=NO_CODE),
    "AccountService.DeactivateTotp": Row(
        "C-10",
        J,
        "read_only",
        lambda world: {"password": world.a.password, "code": "none"},
        answer=NO_SECOND_FACTOR,
    ),
    "AccountService.RenewRecoveryCodes": Row(
        "C-10",
        J,
        "read_only",
        lambda world: {"password": world.a.password, "code": "none"},
        answer=NO_SECOND_FACTOR,
    ),
    "AccountService.GetSignInMethods": Row("C-10", J, "read_only"),
    **{
        f"AccountService.{name}": Row(
            "C-10",
            J,
            "read_only",
            lambda world: {"id": MISSING_ID, "password": world.a.password},
            # No provider knows A: that B's identities are none of A's is a test of the store.
            {"id": lambda world: MISSING_ID},
            lambda world, field: {"password": world.b.password},
            answer=("NOT_FOUND", "IDENTITY_NOT_FOUND"),
        )
        for name in ("DeactivateIdentity", "ActivateIdentity")
    },
    "AccountService.SwitchOrganisation": Row(
        "C-77",
        J,
        "read_only",
        lambda world: {"org_id": world.a.org_id},
        {"org_id": lambda world: world.a.org_id},
        session=new_session,
    ),
    "AccountService.GetOrganisation": Row("Z-59", J, "read_only"),
    "AccountService.UpdateOrganisation": Row("Z-59", J, "full", lambda world: {"name": "Acme"}),
    "AccountService.LeaveOrganisation": Row("C-77", J, "read_only", session=session_of_a_member),
    "AccountService.CloseOrganisation": Row(
        "Z-59",
        J,
        "full",
        lambda world: {"password": "not the password"},
        answer=("UNAUTHENTICATED", "INVALID_LOGIN"),
        least="owner",
    ),
    "AccountService.ListMembers": Row(
        "C-77", J, "read_only", points_to=cursors(lambda world: world.a.user_id)
    ),
    "AccountService.UpdateMember": Row(
        "C-77",
        J,
        "full",
        lambda world: {"id": member_id(world), "role": "ROLE_READ_ONLY"},
        {"id": lambda world: world.a.user_id},
        lambda world, field: {"role": "ROLE_READ_ONLY"},
        rest={"role": "read_only"},
    ),
    "AccountService.DeleteMember": Row(
        "C-77", J, "full", lambda world: {"id": member_id(world)}, {"id": lambda world: world.a.user_id}
    ),
    "AccountService.ListAuditEntries": Row(
        "C-77", J, "full", points_to=cursors(audit_entry_id), least="owner"
    ),
    "AccountService.CreateInvitation": Row(
        "C-77", J, "full", lambda world: {"email": world.new_address()}, created=True
    ),
    "AccountService.ListInvitations": Row("C-77", J, "full", points_to=cursors(invitation_id)),
    "AccountService.DeleteInvitation": Row(
        "C-77",
        J,
        "full",
        lambda world: {"id": invitation_id(world)},
        {"id": invitation_id},
    ),
    "AccountService.AcceptInvitation": Row(
        "C-77", OPEN, "", lambda world: {"token": NO_TOKEN, "password": NEW_PASSWORD}, answer=NO_LINK
    ),
    "AccountService.CreateErasure": Row(
        "F-13", J, "full", lambda world: {"email": world.new_address()}, created=True
    ),
    "AccountService.GetErasure": Row(
        "F-13", J, "full", lambda world: {"id": erasure_id(world)}, {"id": erasure_id}
    ),
    "AccountService.ListErasures": Row("F-13", J, "full", points_to=cursors(erasure_id)),
    "AccountService.CreateExport": Row("F-13", J, "full", created=True, least="owner"),
    "AccountService.GetExport": Row(
        "F-13", J, "full", lambda world: {"id": export_id(world)}, {"id": export_id}, least="owner"
    ),
    "AccountService.ListExports": Row("F-13", J, "full", points_to=cursors(export_id), least="owner"),
    "AccountService.GetExportFile": Row(
        "F-13",
        J,
        "full",
        lambda world: {"export_id": export_id(world)},
        {"export_id": export_id},
        least="owner",
    ),
    "AccountService.GetAccountHealth": Row("C-43", KJ, "read_only", bound=True),
    **of_operators(),
}
