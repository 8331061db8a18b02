import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetCallerRequest(_message.Message):
    __slots__ = ("method",)
    METHOD_FIELD_NUMBER: _ClassVar[int]
    method: str
    def __init__(self, method: _Optional[str] = ...) -> None: ...

class GetCallerResponse(_message.Message):
    __slots__ = ("credential", "org_id", "key_id", "user_id", "permission", "role", "is_operator", "allowed_domains", "bound_to_networks", "test", "expires_at", "smtp", "message_bytes", "sandbox")
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    ORG_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IS_OPERATOR_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    BOUND_TO_NETWORKS_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    SMTP_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    credential: _access_pb2.Credential
    org_id: str
    key_id: str
    user_id: str
    permission: _access_pb2.Permission
    role: _access_pb2.Role
    is_operator: bool
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    bound_to_networks: bool
    test: bool
    expires_at: _timestamp_pb2.Timestamp
    smtp: bool
    message_bytes: int
    sandbox: bool
    def __init__(self, credential: _Optional[_Union[_access_pb2.Credential, str]] = ..., org_id: _Optional[str] = ..., key_id: _Optional[str] = ..., user_id: _Optional[str] = ..., permission: _Optional[_Union[_access_pb2.Permission, str]] = ..., role: _Optional[_Union[_access_pb2.Role, str]] = ..., is_operator: _Optional[bool] = ..., allowed_domains: _Optional[_Iterable[str]] = ..., bound_to_networks: _Optional[bool] = ..., test: _Optional[bool] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., smtp: _Optional[bool] = ..., message_bytes: _Optional[int] = ..., sandbox: _Optional[bool] = ...) -> None: ...
