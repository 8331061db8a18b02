import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ContactListSendStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTACT_LIST_SEND_STATUS_UNSPECIFIED: _ClassVar[ContactListSendStatus]
    CONTACT_LIST_SEND_STATUS_SENDING: _ClassVar[ContactListSendStatus]
    CONTACT_LIST_SEND_STATUS_WAITING: _ClassVar[ContactListSendStatus]
    CONTACT_LIST_SEND_STATUS_COMPLETED: _ClassVar[ContactListSendStatus]
    CONTACT_LIST_SEND_STATUS_CANCELED: _ClassVar[ContactListSendStatus]
    CONTACT_LIST_SEND_STATUS_FAILED: _ClassVar[ContactListSendStatus]
CONTACT_LIST_SEND_STATUS_UNSPECIFIED: ContactListSendStatus
CONTACT_LIST_SEND_STATUS_SENDING: ContactListSendStatus
CONTACT_LIST_SEND_STATUS_WAITING: ContactListSendStatus
CONTACT_LIST_SEND_STATUS_COMPLETED: ContactListSendStatus
CONTACT_LIST_SEND_STATUS_CANCELED: ContactListSendStatus
CONTACT_LIST_SEND_STATUS_FAILED: ContactListSendStatus

class Contact(_message.Message):
    __slots__ = ("id", "email", "name", "first_name", "last_name", "unsubscribed", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    email: str
    name: str
    first_name: str
    last_name: str
    unsubscribed: bool
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., email: _Optional[str] = ..., name: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., unsubscribed: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ContactList(_message.Message):
    __slots__ = ("id", "name", "description", "member_count", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    description: str
    member_count: int
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., member_count: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ContactQuota(_message.Message):
    __slots__ = ("max_contacts", "current_count", "max_import_rows", "max_lists", "current_lists")
    MAX_CONTACTS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_IMPORT_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_LISTS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_LISTS_FIELD_NUMBER: _ClassVar[int]
    max_contacts: int
    current_count: int
    max_import_rows: int
    max_lists: int
    current_lists: int
    def __init__(self, max_contacts: _Optional[int] = ..., current_count: _Optional[int] = ..., max_import_rows: _Optional[int] = ..., max_lists: _Optional[int] = ..., current_lists: _Optional[int] = ...) -> None: ...

class ContactRow(_message.Message):
    __slots__ = ("email", "name")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    email: str
    name: str
    def __init__(self, email: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ContactImport(_message.Message):
    __slots__ = ("added", "skipped", "capped", "available", "contact_list_id", "quota", "row_count", "invalid", "dry_run", "preview", "email_column", "name_column")
    ADDED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    CAPPED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_FIELD_NUMBER: _ClassVar[int]
    EMAIL_COLUMN_FIELD_NUMBER: _ClassVar[int]
    NAME_COLUMN_FIELD_NUMBER: _ClassVar[int]
    added: int
    skipped: int
    capped: int
    available: int
    contact_list_id: str
    quota: ContactQuota
    row_count: int
    invalid: int
    dry_run: bool
    preview: _containers.RepeatedCompositeFieldContainer[ContactRow]
    email_column: str
    name_column: str
    def __init__(self, added: _Optional[int] = ..., skipped: _Optional[int] = ..., capped: _Optional[int] = ..., available: _Optional[int] = ..., contact_list_id: _Optional[str] = ..., quota: _Optional[_Union[ContactQuota, _Mapping]] = ..., row_count: _Optional[int] = ..., invalid: _Optional[int] = ..., dry_run: _Optional[bool] = ..., preview: _Optional[_Iterable[_Union[ContactRow, _Mapping]]] = ..., email_column: _Optional[str] = ..., name_column: _Optional[str] = ...) -> None: ...

class ContactListSend(_message.Message):
    __slots__ = ("id", "contact_list_id", "status", "subject", "member_count", "accepted_count", "unsubscribed_count", "suppressed_count", "failed_count", "reason", "message", "resumes_at", "created_at", "completed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RESUMES_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    contact_list_id: str
    status: ContactListSendStatus
    subject: str
    member_count: int
    accepted_count: int
    unsubscribed_count: int
    suppressed_count: int
    failed_count: int
    reason: str
    message: str
    resumes_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., contact_list_id: _Optional[str] = ..., status: _Optional[_Union[ContactListSendStatus, str]] = ..., subject: _Optional[str] = ..., member_count: _Optional[int] = ..., accepted_count: _Optional[int] = ..., unsubscribed_count: _Optional[int] = ..., suppressed_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., resumes_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., **kwargs) -> None: ...
