import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SuppressionOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUPPRESSION_ORIGIN_UNSPECIFIED: _ClassVar[SuppressionOrigin]
    SUPPRESSION_ORIGIN_BOUNCE: _ClassVar[SuppressionOrigin]
    SUPPRESSION_ORIGIN_COMPLAINT: _ClassVar[SuppressionOrigin]
    SUPPRESSION_ORIGIN_UNSUBSCRIBE: _ClassVar[SuppressionOrigin]
    SUPPRESSION_ORIGIN_MANUAL: _ClassVar[SuppressionOrigin]
SUPPRESSION_ORIGIN_UNSPECIFIED: SuppressionOrigin
SUPPRESSION_ORIGIN_BOUNCE: SuppressionOrigin
SUPPRESSION_ORIGIN_COMPLAINT: SuppressionOrigin
SUPPRESSION_ORIGIN_UNSUBSCRIBE: SuppressionOrigin
SUPPRESSION_ORIGIN_MANUAL: SuppressionOrigin

class Suppression(_message.Message):
    __slots__ = ("id", "email", "origin", "source_id", "created_at", "expires_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    email: str
    origin: SuppressionOrigin
    source_id: str
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., email: _Optional[str] = ..., origin: _Optional[_Union[SuppressionOrigin, str]] = ..., source_id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
