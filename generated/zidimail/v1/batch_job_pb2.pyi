import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchJobStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BATCH_JOB_STATUS_UNSPECIFIED: _ClassVar[BatchJobStatus]
    BATCH_JOB_STATUS_PENDING: _ClassVar[BatchJobStatus]
    BATCH_JOB_STATUS_PROCESSING: _ClassVar[BatchJobStatus]
    BATCH_JOB_STATUS_COMPLETED: _ClassVar[BatchJobStatus]
    BATCH_JOB_STATUS_FAILED: _ClassVar[BatchJobStatus]
BATCH_JOB_STATUS_UNSPECIFIED: BatchJobStatus
BATCH_JOB_STATUS_PENDING: BatchJobStatus
BATCH_JOB_STATUS_PROCESSING: BatchJobStatus
BATCH_JOB_STATUS_COMPLETED: BatchJobStatus
BATCH_JOB_STATUS_FAILED: BatchJobStatus

class BatchJob(_message.Message):
    __slots__ = ("id", "status", "total_count", "sent_count", "failed_count", "created_at", "completed_at", "test")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    SENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: BatchJobStatus
    total_count: int
    sent_count: int
    failed_count: int
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    test: bool
    def __init__(self, id: _Optional[str] = ..., status: _Optional[_Union[BatchJobStatus, str]] = ..., total_count: _Optional[int] = ..., sent_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., test: _Optional[bool] = ...) -> None: ...
