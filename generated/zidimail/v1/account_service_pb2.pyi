import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import event_pb2 as _event_pb2
from zidimail.v1 import usage_service_pb2 as _usage_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAccountHealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AccountThresholds(_message.Message):
    __slots__ = ("review_bounce_rate", "pause_bounce_rate", "review_complaint_rate", "pause_complaint_rate", "least_sent")
    REVIEW_BOUNCE_RATE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_BOUNCE_RATE_FIELD_NUMBER: _ClassVar[int]
    REVIEW_COMPLAINT_RATE_FIELD_NUMBER: _ClassVar[int]
    PAUSE_COMPLAINT_RATE_FIELD_NUMBER: _ClassVar[int]
    LEAST_SENT_FIELD_NUMBER: _ClassVar[int]
    review_bounce_rate: float
    pause_bounce_rate: float
    review_complaint_rate: float
    pause_complaint_rate: float
    least_sent: int
    def __init__(self, review_bounce_rate: _Optional[float] = ..., pause_bounce_rate: _Optional[float] = ..., review_complaint_rate: _Optional[float] = ..., pause_complaint_rate: _Optional[float] = ..., least_sent: _Optional[int] = ...) -> None: ...

class AccountStateChange(_message.Message):
    __slots__ = ("id", "created_at", "state", "previous_state", "change")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_STATE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: _timestamp_pb2.Timestamp
    state: _usage_service_pb2.AccountState
    previous_state: _usage_service_pb2.AccountState
    change: _event_pb2.AccountChange
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., previous_state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., change: _Optional[_Union[_event_pb2.AccountChange, _Mapping]] = ...) -> None: ...

class GetAccountHealthResponse(_message.Message):
    __slots__ = ("state", "reasons", "note", "since", "rates", "window_hours", "thresholds", "heals_at", "support_url", "history")
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    HEALS_AT_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_URL_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    state: _usage_service_pb2.AccountState
    reasons: _containers.RepeatedScalarFieldContainer[_event_pb2.AccountReason]
    note: str
    since: _timestamp_pb2.Timestamp
    rates: _event_pb2.AccountRates
    window_hours: int
    thresholds: AccountThresholds
    heals_at: _timestamp_pb2.Timestamp
    support_url: str
    history: _containers.RepeatedCompositeFieldContainer[AccountStateChange]
    def __init__(self, state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., reasons: _Optional[_Iterable[_Union[_event_pb2.AccountReason, str]]] = ..., note: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rates: _Optional[_Union[_event_pb2.AccountRates, _Mapping]] = ..., window_hours: _Optional[int] = ..., thresholds: _Optional[_Union[AccountThresholds, _Mapping]] = ..., heals_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., support_url: _Optional[str] = ..., history: _Optional[_Iterable[_Union[AccountStateChange, _Mapping]]] = ...) -> None: ...
