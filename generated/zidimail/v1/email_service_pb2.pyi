import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import email_pb2 as _email_pb2
from zidimail.v1 import usage_service_pb2 as _usage_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BATCH_MODE_UNSPECIFIED: _ClassVar[BatchMode]
    BATCH_MODE_STRICT: _ClassVar[BatchMode]
    BATCH_MODE_PERMISSIVE: _ClassVar[BatchMode]
    BATCH_MODE_SEPARATE: _ClassVar[BatchMode]
BATCH_MODE_UNSPECIFIED: BatchMode
BATCH_MODE_STRICT: BatchMode
BATCH_MODE_PERMISSIVE: BatchMode
BATCH_MODE_SEPARATE: BatchMode

class NewAttachment(_message.Message):
    __slots__ = ("filename", "content", "path", "content_type", "content_id")
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_ID_FIELD_NUMBER: _ClassVar[int]
    filename: str
    content: bytes
    path: str
    content_type: str
    content_id: str
    def __init__(self, filename: _Optional[str] = ..., content: _Optional[bytes] = ..., path: _Optional[str] = ..., content_type: _Optional[str] = ..., content_id: _Optional[str] = ...) -> None: ...

class SendEmailRequest(_message.Message):
    __slots__ = ("to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "tags", "idempotency_key", "attachments", "scheduled_at", "scheduled_at_text")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CC_FIELD_NUMBER: _ClassVar[int]
    BCC_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_TEXT_FIELD_NUMBER: _ClassVar[int]
    to: _containers.RepeatedScalarFieldContainer[str]
    cc: _containers.RepeatedScalarFieldContainer[str]
    bcc: _containers.RepeatedScalarFieldContainer[str]
    reply_to: _containers.RepeatedScalarFieldContainer[str]
    subject: str
    html: str
    text: str
    headers: _containers.ScalarMap[str, str]
    tags: _containers.RepeatedCompositeFieldContainer[_email_pb2.Tag]
    idempotency_key: str
    attachments: _containers.RepeatedCompositeFieldContainer[NewAttachment]
    scheduled_at: _timestamp_pb2.Timestamp
    scheduled_at_text: str
    def __init__(self, to: _Optional[_Iterable[str]] = ..., cc: _Optional[_Iterable[str]] = ..., bcc: _Optional[_Iterable[str]] = ..., reply_to: _Optional[_Iterable[str]] = ..., subject: _Optional[str] = ..., html: _Optional[str] = ..., text: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[_Union[_email_pb2.Tag, _Mapping]]] = ..., idempotency_key: _Optional[str] = ..., attachments: _Optional[_Iterable[_Union[NewAttachment, _Mapping]]] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_at_text: _Optional[str] = ..., **kwargs) -> None: ...

class RateLimit(_message.Message):
    __slots__ = ("limit", "remaining", "resets_at")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    RESETS_AT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    remaining: int
    resets_at: _timestamp_pb2.Timestamp
    def __init__(self, limit: _Optional[int] = ..., remaining: _Optional[int] = ..., resets_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SendEmailResponse(_message.Message):
    __slots__ = ("id", "warning", "replayed", "scheduled_at", "rate_limit")
    ID_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    warning: str
    replayed: bool
    scheduled_at: _timestamp_pb2.Timestamp
    rate_limit: RateLimit
    def __init__(self, id: _Optional[str] = ..., warning: _Optional[str] = ..., replayed: _Optional[bool] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rate_limit: _Optional[_Union[RateLimit, _Mapping]] = ...) -> None: ...

class BatchSendEmailsRequest(_message.Message):
    __slots__ = ("emails", "mode", "idempotency_key")
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedCompositeFieldContainer[SendEmailRequest]
    mode: BatchMode
    idempotency_key: str
    def __init__(self, emails: _Optional[_Iterable[_Union[SendEmailRequest, _Mapping]]] = ..., mode: _Optional[_Union[BatchMode, str]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class BatchSendResult(_message.Message):
    __slots__ = ("sent", "error")
    SENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    sent: SendEmailResponse
    error: _status_pb2.Status
    def __init__(self, sent: _Optional[_Union[SendEmailResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchSendEmailsResponse(_message.Message):
    __slots__ = ("results", "replayed")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchSendResult]
    replayed: bool
    def __init__(self, results: _Optional[_Iterable[_Union[BatchSendResult, _Mapping]]] = ..., replayed: _Optional[bool] = ...) -> None: ...

class Trace(_message.Message):
    __slots__ = ("helo", "address", "protocol", "tls_version", "tls_cipher")
    HELO_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    TLS_VERSION_FIELD_NUMBER: _ClassVar[int]
    TLS_CIPHER_FIELD_NUMBER: _ClassVar[int]
    helo: str
    address: str
    protocol: str
    tls_version: str
    tls_cipher: str
    def __init__(self, helo: _Optional[str] = ..., address: _Optional[str] = ..., protocol: _Optional[str] = ..., tls_version: _Optional[str] = ..., tls_cipher: _Optional[str] = ...) -> None: ...

class SendRawEmailRequest(_message.Message):
    __slots__ = ("content", "mail_from", "recipients", "idempotency_key", "scheduled_at", "scheduled_at_text", "tags", "trace")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MAIL_FROM_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_TEXT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    mail_from: str
    recipients: _containers.RepeatedScalarFieldContainer[str]
    idempotency_key: str
    scheduled_at: _timestamp_pb2.Timestamp
    scheduled_at_text: str
    tags: _containers.RepeatedCompositeFieldContainer[_email_pb2.Tag]
    trace: Trace
    def __init__(self, content: _Optional[bytes] = ..., mail_from: _Optional[str] = ..., recipients: _Optional[_Iterable[str]] = ..., idempotency_key: _Optional[str] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_at_text: _Optional[str] = ..., tags: _Optional[_Iterable[_Union[_email_pb2.Tag, _Mapping]]] = ..., trace: _Optional[_Union[Trace, _Mapping]] = ...) -> None: ...

class SendRawEmailResponse(_message.Message):
    __slots__ = ("id", "warning", "replayed", "scheduled_at", "rate_limit")
    ID_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    warning: str
    replayed: bool
    scheduled_at: _timestamp_pb2.Timestamp
    rate_limit: RateLimit
    def __init__(self, id: _Optional[str] = ..., warning: _Optional[str] = ..., replayed: _Optional[bool] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rate_limit: _Optional[_Union[RateLimit, _Mapping]] = ...) -> None: ...

class BatchSendRawEmailsRequest(_message.Message):
    __slots__ = ("emails",)
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedCompositeFieldContainer[SendRawEmailRequest]
    def __init__(self, emails: _Optional[_Iterable[_Union[SendRawEmailRequest, _Mapping]]] = ...) -> None: ...

class BatchSendRawEmailsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchSendResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchSendResult, _Mapping]]] = ...) -> None: ...

class CheckEnvelopeRequest(_message.Message):
    __slots__ = ("mail_from", "recipients")
    MAIL_FROM_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    mail_from: str
    recipients: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, mail_from: _Optional[str] = ..., recipients: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckEnvelopeResponse(_message.Message):
    __slots__ = ("sender", "recipients")
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    sender: _status_pb2.Status
    recipients: _containers.RepeatedCompositeFieldContainer[_status_pb2.Status]
    def __init__(self, sender: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., recipients: _Optional[_Iterable[_Union[_status_pb2.Status, _Mapping]]] = ...) -> None: ...

class UpdateEmailRequest(_message.Message):
    __slots__ = ("id", "scheduled_at", "scheduled_at_text")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    scheduled_at: _timestamp_pb2.Timestamp
    scheduled_at_text: str
    def __init__(self, id: _Optional[str] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_at_text: _Optional[str] = ...) -> None: ...

class UpdateEmailResponse(_message.Message):
    __slots__ = ("id", "scheduled_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    scheduled_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CancelEmailRequest(_message.Message):
    __slots__ = ("id", "job_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    job_type: _email_pb2.JobType
    def __init__(self, id: _Optional[str] = ..., job_type: _Optional[_Union[_email_pb2.JobType, str]] = ...) -> None: ...

class CancelEmailResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetEmailStatsRequest(_message.Message):
    __slots__ = ("days",)
    DAYS_FIELD_NUMBER: _ClassVar[int]
    days: int
    def __init__(self, days: _Optional[int] = ...) -> None: ...

class EmailTotals(_message.Message):
    __slots__ = ("sent", "delivered", "bounced", "complained", "suppressed", "failed", "opened", "clicked")
    SENT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    BOUNCED_FIELD_NUMBER: _ClassVar[int]
    COMPLAINED_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    CLICKED_FIELD_NUMBER: _ClassVar[int]
    sent: int
    delivered: int
    bounced: int
    complained: int
    suppressed: int
    failed: int
    opened: int
    clicked: int
    def __init__(self, sent: _Optional[int] = ..., delivered: _Optional[int] = ..., bounced: _Optional[int] = ..., complained: _Optional[int] = ..., suppressed: _Optional[int] = ..., failed: _Optional[int] = ..., opened: _Optional[int] = ..., clicked: _Optional[int] = ...) -> None: ...

class DailyEmailStats(_message.Message):
    __slots__ = ("date", "sent", "delivered", "bounced", "complained")
    DATE_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    BOUNCED_FIELD_NUMBER: _ClassVar[int]
    COMPLAINED_FIELD_NUMBER: _ClassVar[int]
    date: str
    sent: int
    delivered: int
    bounced: int
    complained: int
    def __init__(self, date: _Optional[str] = ..., sent: _Optional[int] = ..., delivered: _Optional[int] = ..., bounced: _Optional[int] = ..., complained: _Optional[int] = ...) -> None: ...

class EmailRates(_message.Message):
    __slots__ = ("delivery", "bounce", "complaint")
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    BOUNCE_FIELD_NUMBER: _ClassVar[int]
    COMPLAINT_FIELD_NUMBER: _ClassVar[int]
    delivery: float
    bounce: float
    complaint: float
    def __init__(self, delivery: _Optional[float] = ..., bounce: _Optional[float] = ..., complaint: _Optional[float] = ...) -> None: ...

class GetEmailStatsResponse(_message.Message):
    __slots__ = ("days", "totals", "by_status", "daily", "rates")
    class ByStatusEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    DAYS_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    BY_STATUS_FIELD_NUMBER: _ClassVar[int]
    DAILY_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    days: int
    totals: EmailTotals
    by_status: _containers.ScalarMap[str, int]
    daily: _containers.RepeatedCompositeFieldContainer[DailyEmailStats]
    rates: EmailRates
    def __init__(self, days: _Optional[int] = ..., totals: _Optional[_Union[EmailTotals, _Mapping]] = ..., by_status: _Optional[_Mapping[str, int]] = ..., daily: _Optional[_Iterable[_Union[DailyEmailStats, _Mapping]]] = ..., rates: _Optional[_Union[EmailRates, _Mapping]] = ...) -> None: ...

class GetEmailRequest(_message.Message):
    __slots__ = ("id", "without_bodies", "job_type")
    ID_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_BODIES_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    id: str
    without_bodies: bool
    job_type: _email_pb2.JobType
    def __init__(self, id: _Optional[str] = ..., without_bodies: _Optional[bool] = ..., job_type: _Optional[_Union[_email_pb2.JobType, str]] = ...) -> None: ...

class GetEmailResponse(_message.Message):
    __slots__ = ("email", "account_state")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_STATE_FIELD_NUMBER: _ClassVar[int]
    email: _email_pb2.Email
    account_state: _usage_service_pb2.AccountState
    def __init__(self, email: _Optional[_Union[_email_pb2.Email, _Mapping]] = ..., account_state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ...) -> None: ...

class ListEmailsRequest(_message.Message):
    __slots__ = ("limit", "page", "search", "after", "before", "status", "tag", "domain", "since", "until", "job_type", "job_id", "to", "subject", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    search: str
    after: str
    before: str
    status: _containers.RepeatedScalarFieldContainer[_email_pb2.EmailStatus]
    tag: str
    domain: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    job_type: _email_pb2.JobType
    job_id: str
    to: str
    subject: str
    offset: int
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., search: _Optional[str] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., status: _Optional[_Iterable[_Union[_email_pb2.EmailStatus, str]]] = ..., tag: _Optional[str] = ..., domain: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., job_type: _Optional[_Union[_email_pb2.JobType, str]] = ..., job_id: _Optional[str] = ..., to: _Optional[str] = ..., subject: _Optional[str] = ..., offset: _Optional[int] = ..., **kwargs) -> None: ...

class ListEmailsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_email_pb2.Email]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_email_pb2.Email, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...
