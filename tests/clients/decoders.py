"""The fields that strict decoders of Resend's answers require.

Rust (serde) wants every field that is not an Option and knows the values of its enumerations; Go takes a
missing field or null for nothing, but no other type; .NET reads no error whose name it does not know. The
types marked OpenAPI are what Resend documents for success.
"""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, NotRequired, TypeAlias, TypeVar

from pydantic import AfterValidator, TypeAdapter
from typing_extensions import TypedDict

T = TypeVar("T")


def _is_time(text: str) -> str:
    assert datetime.fromisoformat(text).tzinfo is not None
    return text


Time = Annotated[str, AfterValidator(_is_time)]
Texts: TypeAlias = list[str]

# Fields that several decoders need.


class Identified(TypedDict):
    id: str


class Data(TypedDict, Generic[T]):
    data: list[T]


# Rust.


class RustError(TypedDict):
    statusCode: int
    message: str
    name: str


class RustDeleted(Identified):
    deleted: bool


class RustList(Data[T], Generic[T]):
    has_more: bool


LastEvent = Literal[
    "bounced", "canceled", "clicked", "complained", "delivered", "delivery_delayed", "failed", "opened",
    "queued", "scheduled", "sent",
]  # fmt: skip

RustEmail = TypedDict(
    "RustEmail",
    {
        "id": str,
        "message_id": str | None,
        "from": str,
        "to": Texts,
        "subject": str,
        "created_at": Time,
        "html": NotRequired[str | None],
        "text": NotRequired[str | None],
        "bcc": Texts | None,
        "cc": Texts | None,
        "reply_to": Texts | None,
        "last_event": LastEvent,
        "scheduled_at": NotRequired[str | None],
    },
)


class Capabilities(TypedDict):
    sending: Literal["enabled", "disabled"]
    receiving: Literal["enabled", "disabled"]


DomainStatus = Literal[
    "pending", "verified", "failed", "not_started", "partially_verified", "partially_failed"
]
RecordStatus = Literal["pending", "verified", "failed", "temporary_failure", "not_started"]


class RustDomain(TypedDict):
    id: str
    name: str
    status: DomainStatus
    created_at: Time
    region: Literal["us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1"]
    capabilities: Capabilities


class RustApiKey(TypedDict):
    id: str
    name: str
    created_at: Time


class RustSuppression(TypedDict):
    id: str
    email: str
    created_at: Time
    origin: Literal["bounce", "complaint", "manual"]
    source_id: str | None


class RustWebhook(TypedDict):
    id: str
    created_at: Time
    status: str
    endpoint: str
    events: Texts


class RustWebhookMade(TypedDict):
    id: str
    signing_secret: str


# Go.


class GoRecord(TypedDict, total=False):
    record: str | None
    name: str | None
    type: str | None
    ttl: str | None
    status: str | None
    value: str | None
    priority: int


class GoDomain(TypedDict, total=False):
    id: str | None
    object: str | None
    name: str | None
    created_at: str | None
    status: str | None
    region: str | None
    records: list[GoRecord] | None


class GoPeriod(TypedDict, total=False):
    used: int
    limit: int | None
    sent: int
    received: int
    resets_at: str


class GoEmails(TypedDict, total=False):
    daily: GoPeriod
    monthly: GoPeriod


class GoUsage(TypedDict, total=False):
    object: str
    emails: GoEmails


# .NET.


class DotnetError(TypedDict):
    statusCode: int
    message: str
    name: Literal[
        "validation_error", "missing_api_key", "restricted_api_key", "not_found", "invalid_attachment",
        "missing_required_field", "daily_quota_exceeded", "rate_limit_exceeded", "security_error",
        "application_error", "invalid_idempotency_key", "invalid_idempotent_request",
        "concurrent_idempotent_requests",
    ]  # fmt: skip


# OpenAPI.


class Named(Identified):
    object: str


class Deleted(Named):
    deleted: Literal[True]


class Listed(TypedDict, Generic[T]):
    object: Literal["list"]
    has_more: bool
    data: list[T]


ListedEmail = TypedDict(
    "ListedEmail",
    {
        "object": Literal["email"],
        "id": str,
        "to": Texts,
        "from": str,
        "created_at": Time,
        "subject": str,
        "bcc": Texts,
        "cc": Texts,
        "reply_to": Texts,
        "last_event": LastEvent | Literal["suppressed"],
    },
)


class Email(ListedEmail):
    html: str | None
    text: str | None


class Record(TypedDict):
    # Z-30 wants more of them than Resend has.
    record: str
    name: str
    type: Literal["MX", "TXT", "CNAME", "CAA"]
    ttl: str
    status: RecordStatus
    value: str
    priority: NotRequired[int]


class ListedDomain(TypedDict):
    id: str
    name: str
    status: DomainStatus
    created_at: Time
    region: str
    capabilities: Capabilities


class Domain(ListedDomain):
    object: Literal["domain"]
    open_tracking: bool
    click_tracking: bool
    records: list[Record]


class ApiKey(TypedDict):
    id: str
    name: str
    created_at: Time
    last_used_at: Time | None


class Token(Identified):
    token: str


class MadeWebhook(Named):
    signing_secret: str


class Webhook(TypedDict):
    id: str
    created_at: Time
    status: Literal["enabled", "disabled"]
    endpoint: str
    events: Texts


class Suppression(TypedDict):
    id: str
    email: str
    origin: Literal["bounce", "complaint", "unsubscribe", "manual"]
    source_id: str | None
    created_at: Time


class Period(TypedDict):
    used: int
    limit: int | None
    sent: int
    received: int
    resets_at: Time


class Periods(TypedDict):
    daily: Period
    monthly: Period


class Usage(TypedDict):
    object: Literal["usage"]
    # Of the rest nothing is counted here.
    emails: Periods


def decode(form: Any, body: Any) -> None:
    """Raises ValidationError if a body is not of the form; further fields never hurt."""
    TypeAdapter(form).validate_python(body, strict=True)
