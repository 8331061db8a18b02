from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Credential(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CREDENTIAL_UNSPECIFIED: _ClassVar[Credential]
    CREDENTIAL_API_KEY: _ClassVar[Credential]
    CREDENTIAL_SESSION: _ClassVar[Credential]

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_FULL: _ClassVar[Permission]
    PERMISSION_SEND_ONLY: _ClassVar[Permission]
    PERMISSION_READ_ONLY: _ClassVar[Permission]
CREDENTIAL_UNSPECIFIED: Credential
CREDENTIAL_API_KEY: Credential
CREDENTIAL_SESSION: Credential
PERMISSION_UNSPECIFIED: Permission
PERMISSION_FULL: Permission
PERMISSION_SEND_ONLY: Permission
PERMISSION_READ_ONLY: Permission
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor

class Access(_message.Message):
    __slots__ = ("credentials", "permission")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedScalarFieldContainer[Credential]
    permission: Permission
    def __init__(self, credentials: _Optional[_Iterable[_Union[Credential, str]]] = ..., permission: _Optional[_Union[Permission, str]] = ...) -> None: ...
