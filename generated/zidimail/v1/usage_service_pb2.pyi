import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATE_UNSPECIFIED: _ClassVar[AccountState]
    ACCOUNT_STATE_HEALTHY: _ClassVar[AccountState]
    ACCOUNT_STATE_REVIEW: _ClassVar[AccountState]
    ACCOUNT_STATE_PAUSED: _ClassVar[AccountState]
    ACCOUNT_STATE_BANNED: _ClassVar[AccountState]
ACCOUNT_STATE_UNSPECIFIED: AccountState
ACCOUNT_STATE_HEALTHY: AccountState
ACCOUNT_STATE_REVIEW: AccountState
ACCOUNT_STATE_PAUSED: AccountState
ACCOUNT_STATE_BANNED: AccountState

class GetUsageRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Quota(_message.Message):
    __slots__ = ("used", "limit", "resets_at")
    USED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    RESETS_AT_FIELD_NUMBER: _ClassVar[int]
    used: int
    limit: int
    resets_at: _timestamp_pb2.Timestamp
    def __init__(self, used: _Optional[int] = ..., limit: _Optional[int] = ..., resets_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetUsageResponse(_message.Message):
    __slots__ = ("plan", "state", "sandbox", "daily", "monthly", "unique_recipients", "overage", "burst_per_second")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    DAILY_FIELD_NUMBER: _ClassVar[int]
    MONTHLY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_FIELD_NUMBER: _ClassVar[int]
    BURST_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    plan: str
    state: AccountState
    sandbox: bool
    daily: Quota
    monthly: Quota
    unique_recipients: Quota
    overage: int
    burst_per_second: int
    def __init__(self, plan: _Optional[str] = ..., state: _Optional[_Union[AccountState, str]] = ..., sandbox: _Optional[bool] = ..., daily: _Optional[_Union[Quota, _Mapping]] = ..., monthly: _Optional[_Union[Quota, _Mapping]] = ..., unique_recipients: _Optional[_Union[Quota, _Mapping]] = ..., overage: _Optional[int] = ..., burst_per_second: _Optional[int] = ...) -> None: ...
