from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import batch_job_pb2 as _batch_job_pb2
from zidimail.v1 import email_service_pb2 as _email_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateBatchJobRequest(_message.Message):
    __slots__ = ("emails", "idempotency_key")
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedCompositeFieldContainer[_email_service_pb2.SendEmailRequest]
    idempotency_key: str
    def __init__(self, emails: _Optional[_Iterable[_Union[_email_service_pb2.SendEmailRequest, _Mapping]]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class CreateBatchJobResponse(_message.Message):
    __slots__ = ("job", "replayed", "rate_limit")
    JOB_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    job: _batch_job_pb2.BatchJob
    replayed: bool
    rate_limit: _email_service_pb2.RateLimit
    def __init__(self, job: _Optional[_Union[_batch_job_pb2.BatchJob, _Mapping]] = ..., replayed: _Optional[bool] = ..., rate_limit: _Optional[_Union[_email_service_pb2.RateLimit, _Mapping]] = ...) -> None: ...

class GetBatchJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetBatchJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: _batch_job_pb2.BatchJob
    def __init__(self, job: _Optional[_Union[_batch_job_pb2.BatchJob, _Mapping]] = ...) -> None: ...

class ListBatchJobsRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "status", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    status: _containers.RepeatedScalarFieldContainer[_batch_job_pb2.BatchJobStatus]
    offset: int
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., status: _Optional[_Iterable[_Union[_batch_job_pb2.BatchJobStatus, str]]] = ..., offset: _Optional[int] = ...) -> None: ...

class ListBatchJobsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_batch_job_pb2.BatchJob]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_batch_job_pb2.BatchJob, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...
