import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import event_pb2 as _event_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WebhookStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEBHOOK_STATUS_UNSPECIFIED: _ClassVar[WebhookStatus]
    WEBHOOK_STATUS_ENABLED: _ClassVar[WebhookStatus]
    WEBHOOK_STATUS_DISABLED: _ClassVar[WebhookStatus]

class WebhookDisabledReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEBHOOK_DISABLED_REASON_UNSPECIFIED: _ClassVar[WebhookDisabledReason]
    WEBHOOK_DISABLED_REASON_OWNER: _ClassVar[WebhookDisabledReason]
    WEBHOOK_DISABLED_REASON_GONE: _ClassVar[WebhookDisabledReason]
    WEBHOOK_DISABLED_REASON_FAILING: _ClassVar[WebhookDisabledReason]

class WebhookFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEBHOOK_FORMAT_UNSPECIFIED: _ClassVar[WebhookFormat]
    WEBHOOK_FORMAT_ZIDIMAIL: _ClassVar[WebhookFormat]
    WEBHOOK_FORMAT_ZSEND: _ClassVar[WebhookFormat]

class WebhookEventStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEBHOOK_EVENT_STATUS_UNSPECIFIED: _ClassVar[WebhookEventStatus]
    WEBHOOK_EVENT_STATUS_PENDING: _ClassVar[WebhookEventStatus]
    WEBHOOK_EVENT_STATUS_ATTEMPTING: _ClassVar[WebhookEventStatus]
    WEBHOOK_EVENT_STATUS_SUCCESS: _ClassVar[WebhookEventStatus]
    WEBHOOK_EVENT_STATUS_FAILED: _ClassVar[WebhookEventStatus]
WEBHOOK_STATUS_UNSPECIFIED: WebhookStatus
WEBHOOK_STATUS_ENABLED: WebhookStatus
WEBHOOK_STATUS_DISABLED: WebhookStatus
WEBHOOK_DISABLED_REASON_UNSPECIFIED: WebhookDisabledReason
WEBHOOK_DISABLED_REASON_OWNER: WebhookDisabledReason
WEBHOOK_DISABLED_REASON_GONE: WebhookDisabledReason
WEBHOOK_DISABLED_REASON_FAILING: WebhookDisabledReason
WEBHOOK_FORMAT_UNSPECIFIED: WebhookFormat
WEBHOOK_FORMAT_ZIDIMAIL: WebhookFormat
WEBHOOK_FORMAT_ZSEND: WebhookFormat
WEBHOOK_EVENT_STATUS_UNSPECIFIED: WebhookEventStatus
WEBHOOK_EVENT_STATUS_PENDING: WebhookEventStatus
WEBHOOK_EVENT_STATUS_ATTEMPTING: WebhookEventStatus
WEBHOOK_EVENT_STATUS_SUCCESS: WebhookEventStatus
WEBHOOK_EVENT_STATUS_FAILED: WebhookEventStatus

class Webhook(_message.Message):
    __slots__ = ("id", "url", "events", "status", "created_at", "disabled_reason", "disabled_at", "format")
    ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    DISABLED_REASON_FIELD_NUMBER: _ClassVar[int]
    DISABLED_AT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    id: str
    url: str
    events: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    status: WebhookStatus
    created_at: _timestamp_pb2.Timestamp
    disabled_reason: WebhookDisabledReason
    disabled_at: _timestamp_pb2.Timestamp
    format: WebhookFormat
    def __init__(self, id: _Optional[str] = ..., url: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., status: _Optional[_Union[WebhookStatus, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., disabled_reason: _Optional[_Union[WebhookDisabledReason, str]] = ..., disabled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., format: _Optional[_Union[WebhookFormat, str]] = ...) -> None: ...

class WebhookEvent(_message.Message):
    __slots__ = ("id", "type", "status", "attempts", "next_attempt_at", "created_at", "payload")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: _event_pb2.EventType
    status: WebhookEventStatus
    attempts: int
    next_attempt_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    payload: str
    def __init__(self, id: _Optional[str] = ..., type: _Optional[_Union[_event_pb2.EventType, str]] = ..., status: _Optional[_Union[WebhookEventStatus, str]] = ..., attempts: _Optional[int] = ..., next_attempt_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload: _Optional[str] = ...) -> None: ...

class WebhookAttempt(_message.Message):
    __slots__ = ("number", "sent_at", "http_status_code", "response", "duration_ms", "success", "id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    number: int
    sent_at: _timestamp_pb2.Timestamp
    http_status_code: int
    response: str
    duration_ms: int
    success: bool
    id: str
    def __init__(self, number: _Optional[int] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., http_status_code: _Optional[int] = ..., response: _Optional[str] = ..., duration_ms: _Optional[int] = ..., success: _Optional[bool] = ..., id: _Optional[str] = ...) -> None: ...
