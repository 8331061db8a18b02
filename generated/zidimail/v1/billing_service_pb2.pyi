from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import billing_pb2 as _billing_pb2
from zidimail.v1 import usage_service_pb2 as _usage_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetBillingRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetBillingResponse(_message.Message):
    __slots__ = ("plan", "monthly", "overage", "subscription", "plans")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    MONTHLY_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PLANS_FIELD_NUMBER: _ClassVar[int]
    plan: str
    monthly: _usage_service_pb2.Quota
    overage: int
    subscription: _billing_pb2.Subscription
    plans: _containers.RepeatedCompositeFieldContainer[_billing_pb2.PlanOffer]
    def __init__(self, plan: _Optional[str] = ..., monthly: _Optional[_Union[_usage_service_pb2.Quota, _Mapping]] = ..., overage: _Optional[int] = ..., subscription: _Optional[_Union[_billing_pb2.Subscription, _Mapping]] = ..., plans: _Optional[_Iterable[_Union[_billing_pb2.PlanOffer, _Mapping]]] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: str
    def __init__(self, plan: _Optional[str] = ...) -> None: ...

class SubscribeResponse(_message.Message):
    __slots__ = ("subscription_id", "approval_url")
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_URL_FIELD_NUMBER: _ClassVar[int]
    subscription_id: str
    approval_url: str
    def __init__(self, subscription_id: _Optional[str] = ..., approval_url: _Optional[str] = ...) -> None: ...

class ChangeSubscriptionRequest(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: str
    def __init__(self, plan: _Optional[str] = ...) -> None: ...

class ChangeSubscriptionResponse(_message.Message):
    __slots__ = ("subscription_id", "approval_url")
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_URL_FIELD_NUMBER: _ClassVar[int]
    subscription_id: str
    approval_url: str
    def __init__(self, subscription_id: _Optional[str] = ..., approval_url: _Optional[str] = ...) -> None: ...

class CancelSubscriptionRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelSubscriptionResponse(_message.Message):
    __slots__ = ("subscription",)
    SUBSCRIPTION_FIELD_NUMBER: _ClassVar[int]
    subscription: _billing_pb2.Subscription
    def __init__(self, subscription: _Optional[_Union[_billing_pb2.Subscription, _Mapping]] = ...) -> None: ...

class RecordPayPalEventRequest(_message.Message):
    __slots__ = ("body", "transmission_id", "transmission_time", "transmission_sig", "cert_url", "auth_algo")
    BODY_FIELD_NUMBER: _ClassVar[int]
    TRANSMISSION_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSMISSION_TIME_FIELD_NUMBER: _ClassVar[int]
    TRANSMISSION_SIG_FIELD_NUMBER: _ClassVar[int]
    CERT_URL_FIELD_NUMBER: _ClassVar[int]
    AUTH_ALGO_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    transmission_id: str
    transmission_time: str
    transmission_sig: str
    cert_url: str
    auth_algo: str
    def __init__(self, body: _Optional[bytes] = ..., transmission_id: _Optional[str] = ..., transmission_time: _Optional[str] = ..., transmission_sig: _Optional[str] = ..., cert_url: _Optional[str] = ..., auth_algo: _Optional[str] = ...) -> None: ...

class RecordPayPalEventResponse(_message.Message):
    __slots__ = ("event_id",)
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    def __init__(self, event_id: _Optional[str] = ...) -> None: ...
