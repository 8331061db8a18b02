import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import suppression_pb2 as _suppression_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateSuppressionRequest(_message.Message):
    __slots__ = ("email", "expires_at")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    email: str
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, email: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateSuppressionResponse(_message.Message):
    __slots__ = ("suppression",)
    SUPPRESSION_FIELD_NUMBER: _ClassVar[int]
    suppression: _suppression_pb2.Suppression
    def __init__(self, suppression: _Optional[_Union[_suppression_pb2.Suppression, _Mapping]] = ...) -> None: ...

class GetSuppressionRequest(_message.Message):
    __slots__ = ("id_or_email",)
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    def __init__(self, id_or_email: _Optional[str] = ...) -> None: ...

class GetSuppressionResponse(_message.Message):
    __slots__ = ("suppression",)
    SUPPRESSION_FIELD_NUMBER: _ClassVar[int]
    suppression: _suppression_pb2.Suppression
    def __init__(self, suppression: _Optional[_Union[_suppression_pb2.Suppression, _Mapping]] = ...) -> None: ...

class ListSuppressionsRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "origin", "search", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    origin: _containers.RepeatedScalarFieldContainer[_suppression_pb2.SuppressionOrigin]
    search: str
    offset: int
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., origin: _Optional[_Iterable[_Union[_suppression_pb2.SuppressionOrigin, str]]] = ..., search: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ListSuppressionsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_suppression_pb2.Suppression]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_suppression_pb2.Suppression, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class DeleteSuppressionRequest(_message.Message):
    __slots__ = ("id_or_email",)
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    def __init__(self, id_or_email: _Optional[str] = ...) -> None: ...

class DeleteSuppressionResponse(_message.Message):
    __slots__ = ("id", "deleted")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    deleted: bool
    def __init__(self, id: _Optional[str] = ..., deleted: _Optional[bool] = ...) -> None: ...

class BatchAddSuppressionsRequest(_message.Message):
    __slots__ = ("emails",)
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, emails: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchAddSuppressionsResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_suppression_pb2.Suppression]
    def __init__(self, data: _Optional[_Iterable[_Union[_suppression_pb2.Suppression, _Mapping]]] = ...) -> None: ...

class BatchRemoveSuppressionsRequest(_message.Message):
    __slots__ = ("emails",)
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, emails: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchRemoveSuppressionsResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_suppression_pb2.Suppression]
    def __init__(self, data: _Optional[_Iterable[_Union[_suppression_pb2.Suppression, _Mapping]]] = ...) -> None: ...
