import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import event_pb2 as _event_pb2
from zidimail.v1 import webhook_pb2 as _webhook_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateWebhookRequest(_message.Message):
    __slots__ = ("url", "events", "format")
    URL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    url: str
    events: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    format: _webhook_pb2.WebhookFormat
    def __init__(self, url: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., format: _Optional[_Union[_webhook_pb2.WebhookFormat, str]] = ...) -> None: ...

class CreateWebhookResponse(_message.Message):
    __slots__ = ("id", "url", "events", "secret", "status", "created_at", "format")
    ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    id: str
    url: str
    events: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    secret: str
    status: _webhook_pb2.WebhookStatus
    created_at: _timestamp_pb2.Timestamp
    format: _webhook_pb2.WebhookFormat
    def __init__(self, id: _Optional[str] = ..., url: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., secret: _Optional[str] = ..., status: _Optional[_Union[_webhook_pb2.WebhookStatus, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., format: _Optional[_Union[_webhook_pb2.WebhookFormat, str]] = ...) -> None: ...

class ListWebhooksRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ListWebhooksResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_webhook_pb2.Webhook]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_webhook_pb2.Webhook, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class DeleteWebhookRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteWebhookResponse(_message.Message):
    __slots__ = ("id", "deleted")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    deleted: bool
    def __init__(self, id: _Optional[str] = ..., deleted: _Optional[bool] = ...) -> None: ...

class GetWebhookRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetWebhookResponse(_message.Message):
    __slots__ = ("webhook",)
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    webhook: _webhook_pb2.Webhook
    def __init__(self, webhook: _Optional[_Union[_webhook_pb2.Webhook, _Mapping]] = ...) -> None: ...

class UpdateWebhookRequest(_message.Message):
    __slots__ = ("id", "url", "events", "status", "update_mask")
    ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    id: str
    url: str
    events: _containers.RepeatedScalarFieldContainer[_event_pb2.EventType]
    status: _webhook_pb2.WebhookStatus
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, id: _Optional[str] = ..., url: _Optional[str] = ..., events: _Optional[_Iterable[_Union[_event_pb2.EventType, str]]] = ..., status: _Optional[_Union[_webhook_pb2.WebhookStatus, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateWebhookResponse(_message.Message):
    __slots__ = ("webhook",)
    WEBHOOK_FIELD_NUMBER: _ClassVar[int]
    webhook: _webhook_pb2.Webhook
    def __init__(self, webhook: _Optional[_Union[_webhook_pb2.Webhook, _Mapping]] = ...) -> None: ...

class RotateWebhookSecretRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class RotateWebhookSecretResponse(_message.Message):
    __slots__ = ("id", "secret", "overlap_until")
    ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_UNTIL_FIELD_NUMBER: _ClassVar[int]
    id: str
    secret: str
    overlap_until: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., secret: _Optional[str] = ..., overlap_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TestWebhookRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class TestWebhookResponse(_message.Message):
    __slots__ = ("id", "event_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    event_id: str
    def __init__(self, id: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class ListWebhookEventsRequest(_message.Message):
    __slots__ = ("webhook_id", "limit", "page", "status", "after", "before", "offset")
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    webhook_id: str
    limit: int
    page: int
    status: _containers.RepeatedScalarFieldContainer[_webhook_pb2.WebhookEventStatus]
    after: str
    before: str
    offset: int
    def __init__(self, webhook_id: _Optional[str] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ..., status: _Optional[_Iterable[_Union[_webhook_pb2.WebhookEventStatus, str]]] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ListWebhookEventsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_webhook_pb2.WebhookEvent]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_webhook_pb2.WebhookEvent, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetWebhookEventRequest(_message.Message):
    __slots__ = ("webhook_id", "event_id")
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    webhook_id: str
    event_id: str
    def __init__(self, webhook_id: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class GetWebhookEventResponse(_message.Message):
    __slots__ = ("event",)
    EVENT_FIELD_NUMBER: _ClassVar[int]
    event: _webhook_pb2.WebhookEvent
    def __init__(self, event: _Optional[_Union[_webhook_pb2.WebhookEvent, _Mapping]] = ...) -> None: ...

class ListWebhookAttemptsRequest(_message.Message):
    __slots__ = ("webhook_id", "event_id", "limit", "page", "after", "before", "offset")
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    webhook_id: str
    event_id: str
    limit: int
    page: int
    after: str
    before: str
    offset: int
    def __init__(self, webhook_id: _Optional[str] = ..., event_id: _Optional[str] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ListWebhookAttemptsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_webhook_pb2.WebhookAttempt]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_webhook_pb2.WebhookAttempt, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class ReplayWebhookEventRequest(_message.Message):
    __slots__ = ("webhook_id", "event_id")
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    webhook_id: str
    event_id: str
    def __init__(self, webhook_id: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class ReplayWebhookEventResponse(_message.Message):
    __slots__ = ("webhook_id", "event_id")
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    webhook_id: str
    event_id: str
    def __init__(self, webhook_id: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class ReplayWebhookEventsRequest(_message.Message):
    __slots__ = ("webhook_id", "since")
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    webhook_id: str
    since: _timestamp_pb2.Timestamp
    def __init__(self, webhook_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReplayWebhookEventsResponse(_message.Message):
    __slots__ = ("id", "count")
    ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    id: str
    count: int
    def __init__(self, id: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...
