import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DomainStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOMAIN_STATUS_UNSPECIFIED: _ClassVar[DomainStatus]
    DOMAIN_STATUS_PENDING: _ClassVar[DomainStatus]
    DOMAIN_STATUS_VERIFIED: _ClassVar[DomainStatus]
    DOMAIN_STATUS_FAILED: _ClassVar[DomainStatus]

class CheckStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_STATUS_UNSPECIFIED: _ClassVar[CheckStatus]
    CHECK_STATUS_PENDING: _ClassVar[CheckStatus]
    CHECK_STATUS_VERIFIED: _ClassVar[CheckStatus]
    CHECK_STATUS_FAILED: _ClassVar[CheckStatus]
    CHECK_STATUS_TEMPORARY_FAILURE: _ClassVar[CheckStatus]

class TlsMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TLS_MODE_UNSPECIFIED: _ClassVar[TlsMode]
    TLS_MODE_OPPORTUNISTIC: _ClassVar[TlsMode]
    TLS_MODE_ENFORCED: _ClassVar[TlsMode]

class DnsRecordPurpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DNS_RECORD_PURPOSE_UNSPECIFIED: _ClassVar[DnsRecordPurpose]
    DNS_RECORD_PURPOSE_SPF: _ClassVar[DnsRecordPurpose]
    DNS_RECORD_PURPOSE_DKIM: _ClassVar[DnsRecordPurpose]
    DNS_RECORD_PURPOSE_DMARC: _ClassVar[DnsRecordPurpose]
    DNS_RECORD_PURPOSE_RETURN_PATH: _ClassVar[DnsRecordPurpose]

class DnsRecordType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DNS_RECORD_TYPE_UNSPECIFIED: _ClassVar[DnsRecordType]
    DNS_RECORD_TYPE_TXT: _ClassVar[DnsRecordType]
    DNS_RECORD_TYPE_MX: _ClassVar[DnsRecordType]
DOMAIN_STATUS_UNSPECIFIED: DomainStatus
DOMAIN_STATUS_PENDING: DomainStatus
DOMAIN_STATUS_VERIFIED: DomainStatus
DOMAIN_STATUS_FAILED: DomainStatus
CHECK_STATUS_UNSPECIFIED: CheckStatus
CHECK_STATUS_PENDING: CheckStatus
CHECK_STATUS_VERIFIED: CheckStatus
CHECK_STATUS_FAILED: CheckStatus
CHECK_STATUS_TEMPORARY_FAILURE: CheckStatus
TLS_MODE_UNSPECIFIED: TlsMode
TLS_MODE_OPPORTUNISTIC: TlsMode
TLS_MODE_ENFORCED: TlsMode
DNS_RECORD_PURPOSE_UNSPECIFIED: DnsRecordPurpose
DNS_RECORD_PURPOSE_SPF: DnsRecordPurpose
DNS_RECORD_PURPOSE_DKIM: DnsRecordPurpose
DNS_RECORD_PURPOSE_DMARC: DnsRecordPurpose
DNS_RECORD_PURPOSE_RETURN_PATH: DnsRecordPurpose
DNS_RECORD_TYPE_UNSPECIFIED: DnsRecordType
DNS_RECORD_TYPE_TXT: DnsRecordType
DNS_RECORD_TYPE_MX: DnsRecordType

class DnsRecord(_message.Message):
    __slots__ = ("record", "name", "type", "ttl", "status", "value", "priority", "required", "host", "found", "problem", "note")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    record: DnsRecordPurpose
    name: str
    type: DnsRecordType
    ttl: str
    status: CheckStatus
    value: str
    priority: int
    required: bool
    host: str
    found: _containers.RepeatedScalarFieldContainer[str]
    problem: str
    note: str
    def __init__(self, record: _Optional[_Union[DnsRecordPurpose, str]] = ..., name: _Optional[str] = ..., type: _Optional[_Union[DnsRecordType, str]] = ..., ttl: _Optional[str] = ..., status: _Optional[_Union[CheckStatus, str]] = ..., value: _Optional[str] = ..., priority: _Optional[int] = ..., required: _Optional[bool] = ..., host: _Optional[str] = ..., found: _Optional[_Iterable[str]] = ..., problem: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class DomainChecks(_message.Message):
    __slots__ = ("spf", "dkim", "dmarc", "return_path")
    SPF_FIELD_NUMBER: _ClassVar[int]
    DKIM_FIELD_NUMBER: _ClassVar[int]
    DMARC_FIELD_NUMBER: _ClassVar[int]
    RETURN_PATH_FIELD_NUMBER: _ClassVar[int]
    spf: CheckStatus
    dkim: CheckStatus
    dmarc: CheckStatus
    return_path: CheckStatus
    def __init__(self, spf: _Optional[_Union[CheckStatus, str]] = ..., dkim: _Optional[_Union[CheckStatus, str]] = ..., dmarc: _Optional[_Union[CheckStatus, str]] = ..., return_path: _Optional[_Union[CheckStatus, str]] = ...) -> None: ...

class Domain(_message.Message):
    __slots__ = ("id", "domain", "status", "created_at", "dns_records", "checks", "verified", "checked_at", "open_tracking", "click_tracking", "tls", "failing_since")
    ID_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    DNS_RECORDS_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    CHECKED_AT_FIELD_NUMBER: _ClassVar[int]
    OPEN_TRACKING_FIELD_NUMBER: _ClassVar[int]
    CLICK_TRACKING_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    FAILING_SINCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    domain: str
    status: DomainStatus
    created_at: _timestamp_pb2.Timestamp
    dns_records: _containers.RepeatedCompositeFieldContainer[DnsRecord]
    checks: DomainChecks
    verified: bool
    checked_at: _timestamp_pb2.Timestamp
    open_tracking: bool
    click_tracking: bool
    tls: TlsMode
    failing_since: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., domain: _Optional[str] = ..., status: _Optional[_Union[DomainStatus, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., dns_records: _Optional[_Iterable[_Union[DnsRecord, _Mapping]]] = ..., checks: _Optional[_Union[DomainChecks, _Mapping]] = ..., verified: _Optional[bool] = ..., checked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open_tracking: _Optional[bool] = ..., click_tracking: _Optional[bool] = ..., tls: _Optional[_Union[TlsMode, str]] = ..., failing_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
