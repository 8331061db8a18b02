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
    CREDENTIAL_NONE: _ClassVar[Credential]
    CREDENTIAL_OPERATOR: _ClassVar[Credential]
    CREDENTIAL_INTERNAL: _ClassVar[Credential]

class Permission(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PERMISSION_UNSPECIFIED: _ClassVar[Permission]
    PERMISSION_FULL: _ClassVar[Permission]
    PERMISSION_SEND_ONLY: _ClassVar[Permission]
    PERMISSION_READ_ONLY: _ClassVar[Permission]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_READ_ONLY: _ClassVar[Role]
    ROLE_MEMBER: _ClassVar[Role]
    ROLE_ADMIN: _ClassVar[Role]
    ROLE_OWNER: _ClassVar[Role]
CREDENTIAL_UNSPECIFIED: Credential
CREDENTIAL_API_KEY: Credential
CREDENTIAL_SESSION: Credential
CREDENTIAL_NONE: Credential
CREDENTIAL_OPERATOR: Credential
CREDENTIAL_INTERNAL: Credential
PERMISSION_UNSPECIFIED: Permission
PERMISSION_FULL: Permission
PERMISSION_SEND_ONLY: Permission
PERMISSION_READ_ONLY: Permission
ROLE_UNSPECIFIED: Role
ROLE_READ_ONLY: Role
ROLE_MEMBER: Role
ROLE_ADMIN: Role
ROLE_OWNER: Role
ACCESS_FIELD_NUMBER: _ClassVar[int]
access: _descriptor.FieldDescriptor

class Access(_message.Message):
    __slots__ = ("credentials", "permissions", "role", "in_person", "sign_in", "on_behalf")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IN_PERSON_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_FIELD_NUMBER: _ClassVar[int]
    ON_BEHALF_FIELD_NUMBER: _ClassVar[int]
    credentials: _containers.RepeatedScalarFieldContainer[Credential]
    permissions: _containers.RepeatedScalarFieldContainer[Permission]
    role: Role
    in_person: bool
    sign_in: bool
    on_behalf: bool
    def __init__(self, credentials: _Optional[_Iterable[_Union[Credential, str]]] = ..., permissions: _Optional[_Iterable[_Union[Permission, str]]] = ..., role: _Optional[_Union[Role, str]] = ..., in_person: _Optional[bool] = ..., sign_in: _Optional[bool] = ..., on_behalf: _Optional[bool] = ...) -> None: ...
