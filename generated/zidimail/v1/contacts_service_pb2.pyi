from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import contact_pb2 as _contact_pb2
from zidimail.v1 import limits_pb2 as _limits_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateContactRequest(_message.Message):
    __slots__ = ("email", "name", "first_name", "last_name", "unsubscribed", "contact_list_ids", "contact_list_id")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_IDS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    email: str
    name: str
    first_name: str
    last_name: str
    unsubscribed: bool
    contact_list_ids: _containers.RepeatedScalarFieldContainer[str]
    contact_list_id: str
    def __init__(self, email: _Optional[str] = ..., name: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., unsubscribed: _Optional[bool] = ..., contact_list_ids: _Optional[_Iterable[str]] = ..., contact_list_id: _Optional[str] = ...) -> None: ...

class CreateContactResponse(_message.Message):
    __slots__ = ("contact",)
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    contact: _contact_pb2.Contact
    def __init__(self, contact: _Optional[_Union[_contact_pb2.Contact, _Mapping]] = ...) -> None: ...

class ListContactsRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset", "search", "contact_list_id", "unsubscribed")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    search: str
    contact_list_id: str
    unsubscribed: bool
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., search: _Optional[str] = ..., contact_list_id: _Optional[str] = ..., unsubscribed: _Optional[bool] = ...) -> None: ...

class ListContactsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_contact_pb2.Contact]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_contact_pb2.Contact, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetContactRequest(_message.Message):
    __slots__ = ("id_or_email", "contact_list_id")
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    contact_list_id: str
    def __init__(self, id_or_email: _Optional[str] = ..., contact_list_id: _Optional[str] = ...) -> None: ...

class GetContactResponse(_message.Message):
    __slots__ = ("contact",)
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    contact: _contact_pb2.Contact
    def __init__(self, contact: _Optional[_Union[_contact_pb2.Contact, _Mapping]] = ...) -> None: ...

class UpdateContactRequest(_message.Message):
    __slots__ = ("id_or_email", "name", "first_name", "last_name", "unsubscribed", "contact_list_id")
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIRST_NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_NAME_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    name: str
    first_name: str
    last_name: str
    unsubscribed: bool
    contact_list_id: str
    def __init__(self, id_or_email: _Optional[str] = ..., name: _Optional[str] = ..., first_name: _Optional[str] = ..., last_name: _Optional[str] = ..., unsubscribed: _Optional[bool] = ..., contact_list_id: _Optional[str] = ...) -> None: ...

class UpdateContactResponse(_message.Message):
    __slots__ = ("contact",)
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    contact: _contact_pb2.Contact
    def __init__(self, contact: _Optional[_Union[_contact_pb2.Contact, _Mapping]] = ...) -> None: ...

class DeleteContactRequest(_message.Message):
    __slots__ = ("id_or_email",)
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    def __init__(self, id_or_email: _Optional[str] = ...) -> None: ...

class DeleteContactResponse(_message.Message):
    __slots__ = ("id", "deleted")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    deleted: bool
    def __init__(self, id: _Optional[str] = ..., deleted: _Optional[bool] = ...) -> None: ...

class BatchRemoveContactsRequest(_message.Message):
    __slots__ = ("contacts",)
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    contacts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, contacts: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchRemoveContactsResponse(_message.Message):
    __slots__ = ("deleted_count",)
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    deleted_count: int
    def __init__(self, deleted_count: _Optional[int] = ...) -> None: ...

class GetContactQuotaRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetContactQuotaResponse(_message.Message):
    __slots__ = ("quota",)
    QUOTA_FIELD_NUMBER: _ClassVar[int]
    quota: _contact_pb2.ContactQuota
    def __init__(self, quota: _Optional[_Union[_contact_pb2.ContactQuota, _Mapping]] = ...) -> None: ...

class CreateContactListRequest(_message.Message):
    __slots__ = ("name", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class CreateContactListResponse(_message.Message):
    __slots__ = ("contact_list",)
    CONTACT_LIST_FIELD_NUMBER: _ClassVar[int]
    contact_list: _contact_pb2.ContactList
    def __init__(self, contact_list: _Optional[_Union[_contact_pb2.ContactList, _Mapping]] = ...) -> None: ...

class ListContactListsRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset", "search", "id_or_email")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    search: str
    id_or_email: str
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., search: _Optional[str] = ..., id_or_email: _Optional[str] = ...) -> None: ...

class ListContactListsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_contact_pb2.ContactList]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_contact_pb2.ContactList, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetContactListRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetContactListResponse(_message.Message):
    __slots__ = ("contact_list",)
    CONTACT_LIST_FIELD_NUMBER: _ClassVar[int]
    contact_list: _contact_pb2.ContactList
    def __init__(self, contact_list: _Optional[_Union[_contact_pb2.ContactList, _Mapping]] = ...) -> None: ...

class UpdateContactListRequest(_message.Message):
    __slots__ = ("id", "name", "description")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    description: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class UpdateContactListResponse(_message.Message):
    __slots__ = ("contact_list",)
    CONTACT_LIST_FIELD_NUMBER: _ClassVar[int]
    contact_list: _contact_pb2.ContactList
    def __init__(self, contact_list: _Optional[_Union[_contact_pb2.ContactList, _Mapping]] = ...) -> None: ...

class DeleteContactListRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteContactListResponse(_message.Message):
    __slots__ = ("id", "deleted")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    deleted: bool
    def __init__(self, id: _Optional[str] = ..., deleted: _Optional[bool] = ...) -> None: ...

class ListContactListMembersRequest(_message.Message):
    __slots__ = ("contact_list_id", "limit", "page", "after", "before", "offset", "search")
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    contact_list_id: str
    limit: int
    page: int
    after: str
    before: str
    offset: int
    search: str
    def __init__(self, contact_list_id: _Optional[str] = ..., limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., search: _Optional[str] = ...) -> None: ...

class ListContactListMembersResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_contact_pb2.Contact]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_contact_pb2.Contact, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class AddContactListMembersRequest(_message.Message):
    __slots__ = ("contact_list_id", "members")
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    contact_list_id: str
    members: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, contact_list_id: _Optional[str] = ..., members: _Optional[_Iterable[str]] = ...) -> None: ...

class AddContactListMembersResponse(_message.Message):
    __slots__ = ("id", "added_count")
    ID_FIELD_NUMBER: _ClassVar[int]
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    id: str
    added_count: int
    def __init__(self, id: _Optional[str] = ..., added_count: _Optional[int] = ...) -> None: ...

class AddContactListMemberRequest(_message.Message):
    __slots__ = ("id_or_email", "contact_list_id")
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    contact_list_id: str
    def __init__(self, id_or_email: _Optional[str] = ..., contact_list_id: _Optional[str] = ...) -> None: ...

class AddContactListMemberResponse(_message.Message):
    __slots__ = ("id", "contact_list_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    contact_list_id: str
    def __init__(self, id: _Optional[str] = ..., contact_list_id: _Optional[str] = ...) -> None: ...

class RemoveContactListMemberRequest(_message.Message):
    __slots__ = ("id_or_email", "contact_list_id")
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    id_or_email: str
    contact_list_id: str
    def __init__(self, id_or_email: _Optional[str] = ..., contact_list_id: _Optional[str] = ...) -> None: ...

class RemoveContactListMemberResponse(_message.Message):
    __slots__ = ("id", "deleted")
    ID_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    id: str
    deleted: bool
    def __init__(self, id: _Optional[str] = ..., deleted: _Optional[bool] = ...) -> None: ...

class ImportContactsRequest(_message.Message):
    __slots__ = ("contacts", "contact_list_id", "new_list_name", "dry_run")
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_LIST_NAME_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    contacts: _containers.RepeatedCompositeFieldContainer[_contact_pb2.ContactRow]
    contact_list_id: str
    new_list_name: str
    dry_run: bool
    def __init__(self, contacts: _Optional[_Iterable[_Union[_contact_pb2.ContactRow, _Mapping]]] = ..., contact_list_id: _Optional[str] = ..., new_list_name: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class ImportContactsResponse(_message.Message):
    __slots__ = ("contact_import",)
    CONTACT_IMPORT_FIELD_NUMBER: _ClassVar[int]
    contact_import: _contact_pb2.ContactImport
    def __init__(self, contact_import: _Optional[_Union[_contact_pb2.ContactImport, _Mapping]] = ...) -> None: ...

class ImportContactsFileRequest(_message.Message):
    __slots__ = ("content", "contact_list_id", "new_list_name", "dry_run", "first_rows")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_LIST_NAME_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROWS_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    contact_list_id: str
    new_list_name: str
    dry_run: bool
    first_rows: int
    def __init__(self, content: _Optional[bytes] = ..., contact_list_id: _Optional[str] = ..., new_list_name: _Optional[str] = ..., dry_run: _Optional[bool] = ..., first_rows: _Optional[int] = ...) -> None: ...

class ImportContactsFileResponse(_message.Message):
    __slots__ = ("contact_import",)
    CONTACT_IMPORT_FIELD_NUMBER: _ClassVar[int]
    contact_import: _contact_pb2.ContactImport
    def __init__(self, contact_import: _Optional[_Union[_contact_pb2.ContactImport, _Mapping]] = ...) -> None: ...

class ImportContactsSheetRequest(_message.Message):
    __slots__ = ("url", "contact_list_id", "new_list_name", "dry_run", "first_rows")
    URL_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_LIST_NAME_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROWS_FIELD_NUMBER: _ClassVar[int]
    url: str
    contact_list_id: str
    new_list_name: str
    dry_run: bool
    first_rows: int
    def __init__(self, url: _Optional[str] = ..., contact_list_id: _Optional[str] = ..., new_list_name: _Optional[str] = ..., dry_run: _Optional[bool] = ..., first_rows: _Optional[int] = ...) -> None: ...

class ImportContactsSheetResponse(_message.Message):
    __slots__ = ("contact_import",)
    CONTACT_IMPORT_FIELD_NUMBER: _ClassVar[int]
    contact_import: _contact_pb2.ContactImport
    def __init__(self, contact_import: _Optional[_Union[_contact_pb2.ContactImport, _Mapping]] = ...) -> None: ...

class SendToContactListRequest(_message.Message):
    __slots__ = ("contact_list_id", "subject", "html", "text", "reply_to", "headers", "idempotency_key")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CONTACT_LIST_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    contact_list_id: str
    subject: str
    html: str
    text: str
    reply_to: _containers.RepeatedScalarFieldContainer[str]
    headers: _containers.ScalarMap[str, str]
    idempotency_key: str
    def __init__(self, contact_list_id: _Optional[str] = ..., subject: _Optional[str] = ..., html: _Optional[str] = ..., text: _Optional[str] = ..., reply_to: _Optional[_Iterable[str]] = ..., headers: _Optional[_Mapping[str, str]] = ..., idempotency_key: _Optional[str] = ..., **kwargs) -> None: ...

class SendToContactListResponse(_message.Message):
    __slots__ = ("contact_list_send", "replayed")
    CONTACT_LIST_SEND_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    contact_list_send: _contact_pb2.ContactListSend
    replayed: bool
    def __init__(self, contact_list_send: _Optional[_Union[_contact_pb2.ContactListSend, _Mapping]] = ..., replayed: _Optional[bool] = ...) -> None: ...

class GetContactListSendRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetContactListSendResponse(_message.Message):
    __slots__ = ("contact_list_send",)
    CONTACT_LIST_SEND_FIELD_NUMBER: _ClassVar[int]
    contact_list_send: _contact_pb2.ContactListSend
    def __init__(self, contact_list_send: _Optional[_Union[_contact_pb2.ContactListSend, _Mapping]] = ...) -> None: ...

class WatchContactListSendRequest(_message.Message):
    __slots__ = ("contact_list_send_id",)
    CONTACT_LIST_SEND_ID_FIELD_NUMBER: _ClassVar[int]
    contact_list_send_id: str
    def __init__(self, contact_list_send_id: _Optional[str] = ...) -> None: ...

class WatchContactListSendResponse(_message.Message):
    __slots__ = ("contact_list_send",)
    CONTACT_LIST_SEND_FIELD_NUMBER: _ClassVar[int]
    contact_list_send: _contact_pb2.ContactListSend
    def __init__(self, contact_list_send: _Optional[_Union[_contact_pb2.ContactListSend, _Mapping]] = ...) -> None: ...

class ListContactListSendsRequest(_message.Message):
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

class ListContactListSendsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_contact_pb2.ContactListSend]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_contact_pb2.ContactListSend, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class CancelContactListSendRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelContactListSendResponse(_message.Message):
    __slots__ = ("contact_list_send",)
    CONTACT_LIST_SEND_FIELD_NUMBER: _ClassVar[int]
    contact_list_send: _contact_pb2.ContactListSend
    def __init__(self, contact_list_send: _Optional[_Union[_contact_pb2.ContactListSend, _Mapping]] = ...) -> None: ...

class UnsubscribeRequest(_message.Message):
    __slots__ = ("token", "dry_run")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    token: str
    dry_run: bool
    def __init__(self, token: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class UnsubscribeResponse(_message.Message):
    __slots__ = ("email", "unsubscribed")
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBED_FIELD_NUMBER: _ClassVar[int]
    email: str
    unsubscribed: bool
    def __init__(self, email: _Optional[str] = ..., unsubscribed: _Optional[bool] = ..., **kwargs) -> None: ...
