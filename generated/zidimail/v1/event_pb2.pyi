import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_TYPE_UNSPECIFIED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_SENT: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_DELIVERED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_BOUNCED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_COMPLAINED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_OPENED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_CLICKED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_DELIVERY_DELAYED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_FAILED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_SUPPRESSED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_SCHEDULED: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_CANCELED: _ClassVar[EventType]
    EVENT_TYPE_WEBHOOK_TEST: _ClassVar[EventType]
    EVENT_TYPE_EMAIL_RECEIVED: _ClassVar[EventType]
    EVENT_TYPE_CONTACT_CREATED: _ClassVar[EventType]
    EVENT_TYPE_CONTACT_UPDATED: _ClassVar[EventType]
    EVENT_TYPE_CONTACT_DELETED: _ClassVar[EventType]
    EVENT_TYPE_DOMAIN_CREATED: _ClassVar[EventType]
    EVENT_TYPE_DOMAIN_UPDATED: _ClassVar[EventType]
    EVENT_TYPE_DOMAIN_DELETED: _ClassVar[EventType]
    EVENT_TYPE_SUPPRESSION_ADDED: _ClassVar[EventType]
    EVENT_TYPE_SUPPRESSION_REMOVED: _ClassVar[EventType]
    EVENT_TYPE_ACCOUNT_HEALTHY: _ClassVar[EventType]
    EVENT_TYPE_ACCOUNT_REVIEW: _ClassVar[EventType]
    EVENT_TYPE_ACCOUNT_PAUSED: _ClassVar[EventType]
    EVENT_TYPE_ACCOUNT_BANNED: _ClassVar[EventType]

class AccountReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_REASON_UNSPECIFIED: _ClassVar[AccountReason]
    ACCOUNT_REASON_BOUNCE_RATE: _ClassVar[AccountReason]
    ACCOUNT_REASON_COMPLAINT_RATE: _ClassVar[AccountReason]
    ACCOUNT_REASON_POLICY: _ClassVar[AccountReason]
EVENT_TYPE_UNSPECIFIED: EventType
EVENT_TYPE_EMAIL_SENT: EventType
EVENT_TYPE_EMAIL_DELIVERED: EventType
EVENT_TYPE_EMAIL_BOUNCED: EventType
EVENT_TYPE_EMAIL_COMPLAINED: EventType
EVENT_TYPE_EMAIL_OPENED: EventType
EVENT_TYPE_EMAIL_CLICKED: EventType
EVENT_TYPE_EMAIL_DELIVERY_DELAYED: EventType
EVENT_TYPE_EMAIL_FAILED: EventType
EVENT_TYPE_EMAIL_SUPPRESSED: EventType
EVENT_TYPE_EMAIL_SCHEDULED: EventType
EVENT_TYPE_EMAIL_CANCELED: EventType
EVENT_TYPE_WEBHOOK_TEST: EventType
EVENT_TYPE_EMAIL_RECEIVED: EventType
EVENT_TYPE_CONTACT_CREATED: EventType
EVENT_TYPE_CONTACT_UPDATED: EventType
EVENT_TYPE_CONTACT_DELETED: EventType
EVENT_TYPE_DOMAIN_CREATED: EventType
EVENT_TYPE_DOMAIN_UPDATED: EventType
EVENT_TYPE_DOMAIN_DELETED: EventType
EVENT_TYPE_SUPPRESSION_ADDED: EventType
EVENT_TYPE_SUPPRESSION_REMOVED: EventType
EVENT_TYPE_ACCOUNT_HEALTHY: EventType
EVENT_TYPE_ACCOUNT_REVIEW: EventType
EVENT_TYPE_ACCOUNT_PAUSED: EventType
EVENT_TYPE_ACCOUNT_BANNED: EventType
ACCOUNT_REASON_UNSPECIFIED: AccountReason
ACCOUNT_REASON_BOUNCE_RATE: AccountReason
ACCOUNT_REASON_COMPLAINT_RATE: AccountReason
ACCOUNT_REASON_POLICY: AccountReason

class AccountRates(_message.Message):
    __slots__ = ("sent", "delivered", "bounced", "complained", "bounce_rate", "complaint_rate")
    SENT_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    BOUNCED_FIELD_NUMBER: _ClassVar[int]
    COMPLAINED_FIELD_NUMBER: _ClassVar[int]
    BOUNCE_RATE_FIELD_NUMBER: _ClassVar[int]
    COMPLAINT_RATE_FIELD_NUMBER: _ClassVar[int]
    sent: int
    delivered: int
    bounced: int
    complained: int
    bounce_rate: float
    complaint_rate: float
    def __init__(self, sent: _Optional[int] = ..., delivered: _Optional[int] = ..., bounced: _Optional[int] = ..., complained: _Optional[int] = ..., bounce_rate: _Optional[float] = ..., complaint_rate: _Optional[float] = ...) -> None: ...

class AccountChange(_message.Message):
    __slots__ = ("reasons", "note", "by_operator", "rates")
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    BY_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    reasons: _containers.RepeatedScalarFieldContainer[AccountReason]
    note: str
    by_operator: bool
    rates: AccountRates
    def __init__(self, reasons: _Optional[_Iterable[_Union[AccountReason, str]]] = ..., note: _Optional[str] = ..., by_operator: _Optional[bool] = ..., rates: _Optional[_Union[AccountRates, _Mapping]] = ...) -> None: ...

class ContactChange(_message.Message):
    __slots__ = ("id", "email", "first_name", "last_name", "unsubscribed", "created_at", "contact_list_ids")
    ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_IDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    email: str
    first_name: str
    last_name: str
    unsubscribed: bool
    created_at: _timestamp_pb2.Timestamp
    contact_list_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., email: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., unsubscribed: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., contact_list_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class SmtpReply(_message.Message):
    __slots__ = ("code", "enhanced_status", "diagnostic", "remote_host")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ENHANCED_STATUS_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTIC_FIELD_NUMBER: _ClassVar[int]
    REMOTE_HOST_FIELD_NUMBER: _ClassVar[int]
    code: int
    enhanced_status: str
    diagnostic: str
    remote_host: str
    def __init__(self, code: _Optional[int] = ..., enhanced_status: _Optional[str] = ..., diagnostic: _Optional[str] = ..., remote_host: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("id", "type", "created_at", "email_id", "recipient", "reply", "attempt", "possible_duplicate", "test", "cursor", "account", "contact")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EMAIL_ID_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    POSSIBLE_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: EventType
    created_at: _timestamp_pb2.Timestamp
    email_id: str
    recipient: str
    reply: SmtpReply
    attempt: int
    possible_duplicate: bool
    test: bool
    cursor: str
    account: AccountChange
    contact: ContactChange
    def __init__(self, id: _Optional[str] = ..., type: _Optional[_Union[EventType, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., email_id: _Optional[str] = ..., recipient: _Optional[str] = ..., reply: _Optional[_Union[SmtpReply, _Mapping]] = ..., attempt: _Optional[int] = ..., possible_duplicate: _Optional[bool] = ..., test: _Optional[bool] = ..., cursor: _Optional[str] = ..., account: _Optional[_Union[AccountChange, _Mapping]] = ..., contact: _Optional[_Union[ContactChange, _Mapping]] = ...) -> None: ...
