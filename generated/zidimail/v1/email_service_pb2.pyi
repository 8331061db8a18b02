from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.rpc import status_pb2 as _status_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import email_pb2 as _email_pb2
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
BATCH_MODE_UNSPECIFIED: BatchMode
BATCH_MODE_STRICT: BatchMode
BATCH_MODE_PERMISSIVE: BatchMode

class SendEmailRequest(_message.Message):
    __slots__ = ("to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "tags", "idempotency_key")
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
    def __init__(self, to: _Optional[_Iterable[str]] = ..., cc: _Optional[_Iterable[str]] = ..., bcc: _Optional[_Iterable[str]] = ..., reply_to: _Optional[_Iterable[str]] = ..., subject: _Optional[str] = ..., html: _Optional[str] = ..., text: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[_Union[_email_pb2.Tag, _Mapping]]] = ..., idempotency_key: _Optional[str] = ..., **kwargs) -> None: ...

class SendEmailResponse(_message.Message):
    __slots__ = ("id", "warning", "replayed")
    ID_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    id: str
    warning: str
    replayed: bool
    def __init__(self, id: _Optional[str] = ..., warning: _Optional[str] = ..., replayed: _Optional[bool] = ...) -> None: ...

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

class GetEmailRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetEmailResponse(_message.Message):
    __slots__ = ("email",)
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    email: _email_pb2.Email
    def __init__(self, email: _Optional[_Union[_email_pb2.Email, _Mapping]] = ...) -> None: ...

class ListEmailsRequest(_message.Message):
    __slots__ = ("limit", "page", "search", "after", "before")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    search: str
    after: str
    before: str
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., search: _Optional[str] = ..., after: _Optional[str] = ..., before: _Optional[str] = ...) -> None: ...

class ListEmailsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_email_pb2.Email]
    has_more: bool
    total: int
    page: int
    limit: int
    def __init__(self, data: _Optional[_Iterable[_Union[_email_pb2.Email, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...
