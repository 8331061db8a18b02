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

class EmailStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EMAIL_STATUS_UNSPECIFIED: _ClassVar[EmailStatus]
    EMAIL_STATUS_QUEUED: _ClassVar[EmailStatus]
    EMAIL_STATUS_SENT: _ClassVar[EmailStatus]
    EMAIL_STATUS_DELIVERED: _ClassVar[EmailStatus]
    EMAIL_STATUS_DELIVERY_DELAYED: _ClassVar[EmailStatus]
    EMAIL_STATUS_BOUNCED: _ClassVar[EmailStatus]
    EMAIL_STATUS_COMPLAINED: _ClassVar[EmailStatus]
    EMAIL_STATUS_FAILED: _ClassVar[EmailStatus]
    EMAIL_STATUS_SUPPRESSED: _ClassVar[EmailStatus]
    EMAIL_STATUS_SCHEDULED: _ClassVar[EmailStatus]
    EMAIL_STATUS_CANCELED: _ClassVar[EmailStatus]

class JobType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_TYPE_UNSPECIFIED: _ClassVar[JobType]
    JOB_TYPE_DIRECT: _ClassVar[JobType]
    JOB_TYPE_SCHEDULED: _ClassVar[JobType]
    JOB_TYPE_BATCH: _ClassVar[JobType]

class RecipientKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECIPIENT_KIND_UNSPECIFIED: _ClassVar[RecipientKind]
    RECIPIENT_KIND_TO: _ClassVar[RecipientKind]
    RECIPIENT_KIND_CC: _ClassVar[RecipientKind]
    RECIPIENT_KIND_BCC: _ClassVar[RecipientKind]
EMAIL_STATUS_UNSPECIFIED: EmailStatus
EMAIL_STATUS_QUEUED: EmailStatus
EMAIL_STATUS_SENT: EmailStatus
EMAIL_STATUS_DELIVERED: EmailStatus
EMAIL_STATUS_DELIVERY_DELAYED: EmailStatus
EMAIL_STATUS_BOUNCED: EmailStatus
EMAIL_STATUS_COMPLAINED: EmailStatus
EMAIL_STATUS_FAILED: EmailStatus
EMAIL_STATUS_SUPPRESSED: EmailStatus
EMAIL_STATUS_SCHEDULED: EmailStatus
EMAIL_STATUS_CANCELED: EmailStatus
JOB_TYPE_UNSPECIFIED: JobType
JOB_TYPE_DIRECT: JobType
JOB_TYPE_SCHEDULED: JobType
JOB_TYPE_BATCH: JobType
RECIPIENT_KIND_UNSPECIFIED: RecipientKind
RECIPIENT_KIND_TO: RecipientKind
RECIPIENT_KIND_CC: RecipientKind
RECIPIENT_KIND_BCC: RecipientKind

class Tag(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class Attachment(_message.Message):
    __slots__ = ("id", "filename", "content_type", "content_id", "size")
    ID_FIELD_NUMBER: _ClassVar[int]
    FILENAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    id: str
    filename: str
    content_type: str
    content_id: str
    size: int
    def __init__(self, id: _Optional[str] = ..., filename: _Optional[str] = ..., content_type: _Optional[str] = ..., content_id: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class Recipient(_message.Message):
    __slots__ = ("address", "kind", "status", "attempts", "last_reply")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    LAST_REPLY_FIELD_NUMBER: _ClassVar[int]
    address: str
    kind: RecipientKind
    status: EmailStatus
    attempts: int
    last_reply: _event_pb2.SmtpReply
    def __init__(self, address: _Optional[str] = ..., kind: _Optional[_Union[RecipientKind, str]] = ..., status: _Optional[_Union[EmailStatus, str]] = ..., attempts: _Optional[int] = ..., last_reply: _Optional[_Union[_event_pb2.SmtpReply, _Mapping]] = ...) -> None: ...

class Bounce(_message.Message):
    __slots__ = ("type", "sub_type", "message")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUB_TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    type: str
    sub_type: str
    message: str
    def __init__(self, type: _Optional[str] = ..., sub_type: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Email(_message.Message):
    __slots__ = ("id", "message_id", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "tags", "status", "created_at", "scheduled_at", "attachments", "recipients", "events", "test", "bounce", "job_type", "job_id", "attempts", "content_deleted")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
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
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_AT_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    BOUNCE_FIELD_NUMBER: _ClassVar[int]
    JOB_TYPE_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    message_id: str
    to: _containers.RepeatedScalarFieldContainer[str]
    cc: _containers.RepeatedScalarFieldContainer[str]
    bcc: _containers.RepeatedScalarFieldContainer[str]
    reply_to: _containers.RepeatedScalarFieldContainer[str]
    subject: str
    html: str
    text: str
    headers: _containers.ScalarMap[str, str]
    tags: _containers.RepeatedCompositeFieldContainer[Tag]
    status: EmailStatus
    created_at: _timestamp_pb2.Timestamp
    scheduled_at: _timestamp_pb2.Timestamp
    attachments: _containers.RepeatedCompositeFieldContainer[Attachment]
    recipients: _containers.RepeatedCompositeFieldContainer[Recipient]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    test: bool
    bounce: Bounce
    job_type: JobType
    job_id: str
    attempts: int
    content_deleted: bool
    def __init__(self, id: _Optional[str] = ..., message_id: _Optional[str] = ..., to: _Optional[_Iterable[str]] = ..., cc: _Optional[_Iterable[str]] = ..., bcc: _Optional[_Iterable[str]] = ..., reply_to: _Optional[_Iterable[str]] = ..., subject: _Optional[str] = ..., html: _Optional[str] = ..., text: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., status: _Optional[_Union[EmailStatus, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attachments: _Optional[_Iterable[_Union[Attachment, _Mapping]]] = ..., recipients: _Optional[_Iterable[_Union[Recipient, _Mapping]]] = ..., events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ..., test: _Optional[bool] = ..., bounce: _Optional[_Union[Bounce, _Mapping]] = ..., job_type: _Optional[_Union[JobType, str]] = ..., job_id: _Optional[str] = ..., attempts: _Optional[int] = ..., content_deleted: _Optional[bool] = ..., **kwargs) -> None: ...
