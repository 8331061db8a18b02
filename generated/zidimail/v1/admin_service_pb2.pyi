import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from zidimail.v1 import access_pb2 as _access_pb2
from zidimail.v1 import account_pb2 as _account_pb2
from zidimail.v1 import account_service_pb2 as _account_service_pb2
from zidimail.v1 import admin_pb2 as _admin_pb2
from zidimail.v1 import suppression_pb2 as _suppression_pb2
from zidimail.v1 import usage_service_pb2 as _usage_service_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AbuseOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ABUSE_ORDER_UNSPECIFIED: _ClassVar[AbuseOrder]
    ABUSE_ORDER_BOUNCE_RATE: _ClassVar[AbuseOrder]
    ABUSE_ORDER_COMPLAINT_RATE: _ClassVar[AbuseOrder]
ABUSE_ORDER_UNSPECIFIED: AbuseOrder
ABUSE_ORDER_BOUNCE_RATE: AbuseOrder
ABUSE_ORDER_COMPLAINT_RATE: AbuseOrder

class ListOrganisationAccountsRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset", "search", "plan", "state", "sandbox")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    search: str
    plan: str
    state: _usage_service_pb2.AccountState
    sandbox: bool
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., search: _Optional[str] = ..., plan: _Optional[str] = ..., state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., sandbox: _Optional[bool] = ...) -> None: ...

class ListOrganisationAccountsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_admin_pb2.OrganisationAccount]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_admin_pb2.OrganisationAccount, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetOrganisationAccountRequest(_message.Message):
    __slots__ = ("organisation_id",)
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    def __init__(self, organisation_id: _Optional[str] = ...) -> None: ...

class GetOrganisationAccountResponse(_message.Message):
    __slots__ = ("account", "plan", "history")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    account: _admin_pb2.OrganisationAccount
    plan: _admin_pb2.PlanLimits
    history: _containers.RepeatedCompositeFieldContainer[_account_service_pb2.AccountStateChange]
    def __init__(self, account: _Optional[_Union[_admin_pb2.OrganisationAccount, _Mapping]] = ..., plan: _Optional[_Union[_admin_pb2.PlanLimits, _Mapping]] = ..., history: _Optional[_Iterable[_Union[_account_service_pb2.AccountStateChange, _Mapping]]] = ...) -> None: ...

class UpdateOrganisationAccountRequest(_message.Message):
    __slots__ = ("organisation_id", "plan", "sandbox", "reopen", "limits", "unset_limits", "reason")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    REOPEN_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UNSET_LIMITS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    plan: str
    sandbox: bool
    reopen: bool
    limits: _admin_pb2.AccountLimits
    unset_limits: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, organisation_id: _Optional[str] = ..., plan: _Optional[str] = ..., sandbox: _Optional[bool] = ..., reopen: _Optional[bool] = ..., limits: _Optional[_Union[_admin_pb2.AccountLimits, _Mapping]] = ..., unset_limits: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateOrganisationAccountResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: _admin_pb2.OrganisationAccount
    def __init__(self, account: _Optional[_Union[_admin_pb2.OrganisationAccount, _Mapping]] = ...) -> None: ...

class ChangeAccountStateRequest(_message.Message):
    __slots__ = ("organisation_id", "state", "note")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    state: _usage_service_pb2.AccountState
    note: str
    def __init__(self, organisation_id: _Optional[str] = ..., state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., note: _Optional[str] = ...) -> None: ...

class ChangeAccountStateResponse(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: _admin_pb2.OrganisationAccount
    def __init__(self, account: _Optional[_Union[_admin_pb2.OrganisationAccount, _Mapping]] = ...) -> None: ...

class ListOrganisationMembersRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset", "organisation_id")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    organisation_id: str
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., organisation_id: _Optional[str] = ...) -> None: ...

class ListOrganisationMembersResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_account_pb2.Member]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_account_pb2.Member, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class RemoveSecondFactorRequest(_message.Message):
    __slots__ = ("organisation_id", "member_id", "reason")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    member_id: str
    reason: str
    def __init__(self, organisation_id: _Optional[str] = ..., member_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RemoveSecondFactorResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CreateImpersonationRequest(_message.Message):
    __slots__ = ("organisation_id", "user_id", "reason", "role")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    user_id: str
    reason: str
    role: _access_pb2.Role
    def __init__(self, organisation_id: _Optional[str] = ..., user_id: _Optional[str] = ..., reason: _Optional[str] = ..., role: _Optional[_Union[_access_pb2.Role, str]] = ...) -> None: ...

class CreateImpersonationResponse(_message.Message):
    __slots__ = ("token", "id", "expires_at", "organisation_id", "user_id", "role")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    token: str
    id: str
    expires_at: _timestamp_pb2.Timestamp
    organisation_id: str
    user_id: str
    role: _access_pb2.Role
    def __init__(self, token: _Optional[str] = ..., id: _Optional[str] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., organisation_id: _Optional[str] = ..., user_id: _Optional[str] = ..., role: _Optional[_Union[_access_pb2.Role, str]] = ...) -> None: ...

class ListOrganisationSuppressionsRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset", "organisation_id", "search")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    organisation_id: str
    search: str
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., organisation_id: _Optional[str] = ..., search: _Optional[str] = ...) -> None: ...

class ListOrganisationSuppressionsResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_suppression_pb2.Suppression]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_suppression_pb2.Suppression, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class RemoveOrganisationSuppressionRequest(_message.Message):
    __slots__ = ("organisation_id", "id_or_email", "reason")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    ID_OR_EMAIL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    id_or_email: str
    reason: str
    def __init__(self, organisation_id: _Optional[str] = ..., id_or_email: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RemoveOrganisationSuppressionResponse(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetRetentionRequest(_message.Message):
    __slots__ = ("organisation_id",)
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    def __init__(self, organisation_id: _Optional[str] = ...) -> None: ...

class GetRetentionResponse(_message.Message):
    __slots__ = ("own", "days")
    OWN_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    own: _admin_pb2.RetentionDays
    days: _admin_pb2.RetentionDays
    def __init__(self, own: _Optional[_Union[_admin_pb2.RetentionDays, _Mapping]] = ..., days: _Optional[_Union[_admin_pb2.RetentionDays, _Mapping]] = ...) -> None: ...

class UpdateRetentionRequest(_message.Message):
    __slots__ = ("organisation_id", "days", "unset_days", "reason")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    UNSET_DAYS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    days: _admin_pb2.RetentionDays
    unset_days: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, organisation_id: _Optional[str] = ..., days: _Optional[_Union[_admin_pb2.RetentionDays, _Mapping]] = ..., unset_days: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class UpdateRetentionResponse(_message.Message):
    __slots__ = ("own", "days")
    OWN_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    own: _admin_pb2.RetentionDays
    days: _admin_pb2.RetentionDays
    def __init__(self, own: _Optional[_Union[_admin_pb2.RetentionDays, _Mapping]] = ..., days: _Optional[_Union[_admin_pb2.RetentionDays, _Mapping]] = ...) -> None: ...

class GetPlanLimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetPlanLimitsResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_admin_pb2.PlanLimits]
    def __init__(self, data: _Optional[_Iterable[_Union[_admin_pb2.PlanLimits, _Mapping]]] = ...) -> None: ...

class UpdatePlanLimitsRequest(_message.Message):
    __slots__ = ("plan_id", "limits", "unset_limits", "overage", "attachment_bytes", "reason", "paypal_plan")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UNSET_LIMITS_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PAYPAL_PLAN_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    limits: _admin_pb2.AccountLimits
    unset_limits: _containers.RepeatedScalarFieldContainer[str]
    overage: bool
    attachment_bytes: int
    reason: str
    paypal_plan: str
    def __init__(self, plan_id: _Optional[str] = ..., limits: _Optional[_Union[_admin_pb2.AccountLimits, _Mapping]] = ..., unset_limits: _Optional[_Iterable[str]] = ..., overage: _Optional[bool] = ..., attachment_bytes: _Optional[int] = ..., reason: _Optional[str] = ..., paypal_plan: _Optional[str] = ...) -> None: ...

class UpdatePlanLimitsResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: _admin_pb2.PlanLimits
    def __init__(self, plan: _Optional[_Union[_admin_pb2.PlanLimits, _Mapping]] = ...) -> None: ...

class GetQueueOverviewRequest(_message.Message):
    __slots__ = ("organisation_id", "limit")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    limit: int
    def __init__(self, organisation_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetQueueOverviewResponse(_message.Message):
    __slots__ = ("total", "due", "waiting", "leased", "held", "oldest_at", "sites")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    DUE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    LEASED_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AT_FIELD_NUMBER: _ClassVar[int]
    SITES_FIELD_NUMBER: _ClassVar[int]
    total: int
    due: int
    waiting: int
    leased: int
    held: int
    oldest_at: _timestamp_pb2.Timestamp
    sites: _containers.RepeatedCompositeFieldContainer[_admin_pb2.QueueSite]
    def __init__(self, total: _Optional[int] = ..., due: _Optional[int] = ..., waiting: _Optional[int] = ..., leased: _Optional[int] = ..., held: _Optional[int] = ..., oldest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sites: _Optional[_Iterable[_Union[_admin_pb2.QueueSite, _Mapping]]] = ...) -> None: ...

class GetAbuseFiguresRequest(_message.Message):
    __slots__ = ("limit", "order", "least_sent")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    LEAST_SENT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    order: AbuseOrder
    least_sent: int
    def __init__(self, limit: _Optional[int] = ..., order: _Optional[_Union[AbuseOrder, str]] = ..., least_sent: _Optional[int] = ...) -> None: ...

class GetAbuseFiguresResponse(_message.Message):
    __slots__ = ("data", "window_hours", "thresholds")
    DATA_FIELD_NUMBER: _ClassVar[int]
    WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_admin_pb2.AbuseFigures]
    window_hours: int
    thresholds: _account_service_pb2.AccountThresholds
    def __init__(self, data: _Optional[_Iterable[_Union[_admin_pb2.AbuseFigures, _Mapping]]] = ..., window_hours: _Optional[int] = ..., thresholds: _Optional[_Union[_account_service_pb2.AccountThresholds, _Mapping]] = ...) -> None: ...

class ListOperatorEntriesRequest(_message.Message):
    __slots__ = ("limit", "page", "after", "before", "offset", "organisation_id")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    limit: int
    page: int
    after: str
    before: str
    offset: int
    organisation_id: str
    def __init__(self, limit: _Optional[int] = ..., page: _Optional[int] = ..., after: _Optional[str] = ..., before: _Optional[str] = ..., offset: _Optional[int] = ..., organisation_id: _Optional[str] = ...) -> None: ...

class ListOperatorEntriesResponse(_message.Message):
    __slots__ = ("data", "has_more", "total", "page", "limit", "next_cursor")
    DATA_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    data: _containers.RepeatedCompositeFieldContainer[_admin_pb2.OperatorEntry]
    has_more: bool
    total: int
    page: int
    limit: int
    next_cursor: str
    def __init__(self, data: _Optional[_Iterable[_Union[_admin_pb2.OperatorEntry, _Mapping]]] = ..., has_more: _Optional[bool] = ..., total: _Optional[int] = ..., page: _Optional[int] = ..., limit: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...
