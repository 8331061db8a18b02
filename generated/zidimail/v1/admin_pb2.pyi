import datetime

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

class AccountLimits(_message.Message):
    __slots__ = ("daily", "monthly", "unique_recipients", "burst_per_second", "webhooks", "api_keys", "domains", "scheduled_emails", "scheduled_bytes", "test_emails", "contacts", "contact_import_rows", "contact_lists")
    DAILY_FIELD_NUMBER: _ClassVar[int]
    MONTHLY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_RECIPIENTS_FIELD_NUMBER: _ClassVar[int]
    BURST_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    API_KEYS_FIELD_NUMBER: _ClassVar[int]
    DOMAINS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_EMAILS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_BYTES_FIELD_NUMBER: _ClassVar[int]
    TEST_EMAILS_FIELD_NUMBER: _ClassVar[int]
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_IMPORT_ROWS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_LISTS_FIELD_NUMBER: _ClassVar[int]
    daily: int
    monthly: int
    unique_recipients: int
    burst_per_second: int
    webhooks: int
    api_keys: int
    domains: int
    scheduled_emails: int
    scheduled_bytes: int
    test_emails: int
    contacts: int
    contact_import_rows: int
    contact_lists: int
    def __init__(self, daily: _Optional[int] = ..., monthly: _Optional[int] = ..., unique_recipients: _Optional[int] = ..., burst_per_second: _Optional[int] = ..., webhooks: _Optional[int] = ..., api_keys: _Optional[int] = ..., domains: _Optional[int] = ..., scheduled_emails: _Optional[int] = ..., scheduled_bytes: _Optional[int] = ..., test_emails: _Optional[int] = ..., contacts: _Optional[int] = ..., contact_import_rows: _Optional[int] = ..., contact_lists: _Optional[int] = ...) -> None: ...

class RetentionDays(_message.Message):
    __slots__ = ("bodies", "emails", "events", "webhook_calls", "captured", "audit", "list_sends", "batch_jobs")
    BODIES_FIELD_NUMBER: _ClassVar[int]
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_CALLS_FIELD_NUMBER: _ClassVar[int]
    CAPTURED_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    LIST_SENDS_FIELD_NUMBER: _ClassVar[int]
    BATCH_JOBS_FIELD_NUMBER: _ClassVar[int]
    bodies: int
    emails: int
    events: int
    webhook_calls: int
    captured: int
    audit: int
    list_sends: int
    batch_jobs: int
    def __init__(self, bodies: _Optional[int] = ..., emails: _Optional[int] = ..., events: _Optional[int] = ..., webhook_calls: _Optional[int] = ..., captured: _Optional[int] = ..., audit: _Optional[int] = ..., list_sends: _Optional[int] = ..., batch_jobs: _Optional[int] = ...) -> None: ...

class OrganisationAccount(_message.Message):
    __slots__ = ("id", "name", "plan", "sandbox", "owner_email", "state", "reasons", "note", "state_since", "rates", "daily", "monthly", "limits", "created_at", "closed_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SANDBOX_FIELD_NUMBER: _ClassVar[int]
    OWNER_EMAIL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    STATE_SINCE_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    DAILY_FIELD_NUMBER: _ClassVar[int]
    MONTHLY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    plan: str
    sandbox: bool
    owner_email: str
    state: _usage_service_pb2.AccountState
    reasons: _containers.RepeatedScalarFieldContainer[_event_pb2.AccountReason]
    note: str
    state_since: _timestamp_pb2.Timestamp
    rates: _event_pb2.AccountRates
    daily: _usage_service_pb2.Quota
    monthly: _usage_service_pb2.Quota
    limits: AccountLimits
    created_at: _timestamp_pb2.Timestamp
    closed_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., plan: _Optional[str] = ..., sandbox: _Optional[bool] = ..., owner_email: _Optional[str] = ..., state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., reasons: _Optional[_Iterable[_Union[_event_pb2.AccountReason, str]]] = ..., note: _Optional[str] = ..., state_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rates: _Optional[_Union[_event_pb2.AccountRates, _Mapping]] = ..., daily: _Optional[_Union[_usage_service_pb2.Quota, _Mapping]] = ..., monthly: _Optional[_Union[_usage_service_pb2.Quota, _Mapping]] = ..., limits: _Optional[_Union[AccountLimits, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PlanLimits(_message.Message):
    __slots__ = ("plan", "limits", "overage", "attachment_bytes", "smtp", "paypal_plan")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    OVERAGE_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SMTP_FIELD_NUMBER: _ClassVar[int]
    PAYPAL_PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: str
    limits: AccountLimits
    overage: bool
    attachment_bytes: int
    smtp: bool
    paypal_plan: str
    def __init__(self, plan: _Optional[str] = ..., limits: _Optional[_Union[AccountLimits, _Mapping]] = ..., overage: _Optional[bool] = ..., attachment_bytes: _Optional[int] = ..., smtp: _Optional[bool] = ..., paypal_plan: _Optional[str] = ...) -> None: ...

class QueueSite(_message.Message):
    __slots__ = ("site", "due", "waiting", "leased", "held", "oldest_at")
    SITE_FIELD_NUMBER: _ClassVar[int]
    DUE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    LEASED_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AT_FIELD_NUMBER: _ClassVar[int]
    site: str
    due: int
    waiting: int
    leased: int
    held: int
    oldest_at: _timestamp_pb2.Timestamp
    def __init__(self, site: _Optional[str] = ..., due: _Optional[int] = ..., waiting: _Optional[int] = ..., leased: _Optional[int] = ..., held: _Optional[int] = ..., oldest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class AbuseFigures(_message.Message):
    __slots__ = ("organisation_id", "name", "plan", "state", "rates")
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    organisation_id: str
    name: str
    plan: str
    state: _usage_service_pb2.AccountState
    rates: _event_pb2.AccountRates
    def __init__(self, organisation_id: _Optional[str] = ..., name: _Optional[str] = ..., plan: _Optional[str] = ..., state: _Optional[_Union[_usage_service_pb2.AccountState, str]] = ..., rates: _Optional[_Union[_event_pb2.AccountRates, _Mapping]] = ...) -> None: ...

class SettingChange(_message.Message):
    __slots__ = ("setting", "before", "after")
    SETTING_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    setting: str
    before: str
    after: str
    def __init__(self, setting: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class OperatorEntry(_message.Message):
    __slots__ = ("id", "created_at", "method", "organisation_id", "target_id", "credential", "actor_id", "actor", "address", "reason", "changes")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_ID_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: _timestamp_pb2.Timestamp
    method: str
    organisation_id: str
    target_id: str
    credential: _access_pb2.Credential
    actor_id: str
    actor: str
    address: str
    reason: str
    changes: _containers.RepeatedCompositeFieldContainer[SettingChange]
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., method: _Optional[str] = ..., organisation_id: _Optional[str] = ..., target_id: _Optional[str] = ..., credential: _Optional[_Union[_access_pb2.Credential, str]] = ..., actor_id: _Optional[str] = ..., actor: _Optional[str] = ..., address: _Optional[str] = ..., reason: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[SettingChange, _Mapping]]] = ...) -> None: ...
