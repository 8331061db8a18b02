"""DomainService."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp
from zidimail.v1 import domain_pb2, domain_service_pb2_grpc
from zidimail.v1 import domain_service_pb2 as pb

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.domains import store
from server.domains.findings import Finding, finding_of, load
from server.domains.keys import new_keys
from server.domains.recording import add_generation
from server.domains.rules import (
    Checks,
    CheckStatus,
    DomainStatus,
    PublicKey,
    Record,
    RecordPurpose,
    RecordType,
    host_name,
    records,
)
from server.domains.verify import Verifier
from server.domains.zones import host_in, zone_of
from server.faults import DomainNotFound, ValidationFailed, Violation
from server.ids import is_id, new_id
from server.sealing import Seal
from server.settings import Settings
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import timestamp

_CHECK_STATUSES: dict[CheckStatus, domain_pb2.CheckStatus] = {
    "pending": domain_pb2.CHECK_STATUS_PENDING,
    "verified": domain_pb2.CHECK_STATUS_VERIFIED,
    "failed": domain_pb2.CHECK_STATUS_FAILED,
    "temporary_failure": domain_pb2.CHECK_STATUS_TEMPORARY_FAILURE,
}
_PURPOSES: dict[RecordPurpose, domain_pb2.DnsRecordPurpose] = {
    "SPF": domain_pb2.DNS_RECORD_PURPOSE_SPF,
    "DKIM": domain_pb2.DNS_RECORD_PURPOSE_DKIM,
    "DMARC": domain_pb2.DNS_RECORD_PURPOSE_DMARC,
    "RETURN_PATH": domain_pb2.DNS_RECORD_PURPOSE_RETURN_PATH,
}
_RECORD_TYPES: dict[RecordType, domain_pb2.DnsRecordType] = {
    "TXT": domain_pb2.DNS_RECORD_TYPE_TXT,
    "MX": domain_pb2.DNS_RECORD_TYPE_MX,
}
_TLS_ENFORCED = {
    domain_pb2.TLS_MODE_UNSPECIFIED: None,
    domain_pb2.TLS_MODE_OPPORTUNISTIC: False,
    domain_pb2.TLS_MODE_ENFORCED: True,
}
_DOMAIN_STATUSES: dict[DomainStatus, domain_pb2.DomainStatus] = {
    "pending": domain_pb2.DOMAIN_STATUS_PENDING,
    "verified": domain_pb2.DOMAIN_STATUS_VERIFIED,
    "failed": domain_pb2.DOMAIN_STATUS_FAILED,
}


class DomainServicer(domain_service_pb2_grpc.DomainServiceServicer):
    """Adds, shows, verifies, changes and removes domains."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        seal: Seal,
        verifier: Verifier,
        settings: Settings,
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._seal = seal
        self._verifier = verifier
        self._hostname = settings.hostname

    async def CreateDomain(
        self, request: pb.CreateDomainRequest, context: Context
    ) -> pb.CreateDomainResponse:
        """Adds a domain and makes its keys."""
        org_id = current_caller().org_id
        settings = _settings(request)
        name, id, now = host_name(request.domain), new_id(), self._clock.now_ms()
        # Checked before the keys are made, which takes long; `create` checks again.
        await self._database.read(store.check_new, org_id, name)
        keys = await new_keys(id, self._seal)
        row = await self._writer.run(store.create, org_id, id, name, keys, now, settings)
        public = [PublicKey(key.selector, key.algorithm, key.public_key) for key in keys]
        return pb.CreateDomainResponse(domain=self._domain(row, public))

    async def GetDomain(self, request: pb.GetDomainRequest, context: Context) -> pb.GetDomainResponse:
        """One domain with its records."""
        org_id, id = await self._own(request.id)
        row, keys = await self._database.read(store.get_with_keys, org_id, id)
        return pb.GetDomainResponse(domain=self._domain(row, keys))

    async def ListDomains(self, request: pb.ListDomainsRequest, context: Context) -> pb.ListDomainsResponse:
        """A page of the domains, newest first."""
        wanted = page_request(request)
        caller = current_caller()
        page = await self._database.read(store.page, caller.org_id, wanted, caller.allowed_domains)
        return pb.ListDomainsResponse(
            data=[_bare_domain(row) for row in page.rows],
            **page_fields(page, wanted),
        )

    async def UpdateDomain(
        self, request: pb.UpdateDomainRequest, context: Context
    ) -> pb.UpdateDomainResponse:
        """Changes the sending options of a domain."""
        settings = _settings(request)
        org_id, id = await self._own(request.id)
        row = await self._writer.run(store.change, org_id, id, settings)
        return pb.UpdateDomainResponse(domain=await self._with_records(row))

    async def RotateDomainKeys(
        self, request: pb.RotateDomainKeysRequest, context: Context
    ) -> pb.RotateDomainKeysResponse:
        """Adds new keys; the present ones sign until DNS shows the new ones."""
        (org_id, id), now = await self._own(request.id), self._clock.now_ms()
        # Checked before the keys are made, which takes long.
        await self._database.read(store.get, org_id, id)
        keys = await new_keys(id, self._seal)
        row = await self._writer.run(add_generation, org_id, id, keys, now)
        return pb.RotateDomainKeysResponse(domain=await self._with_records(row))

    async def VerifyDomain(
        self, request: pb.VerifyDomainRequest, context: Context
    ) -> pb.VerifyDomainResponse:
        """Looks up the records in DNS and stores the results."""
        verification = await self._verifier.verify(*await self._own(request.id))
        row = verification.domain
        return pb.VerifyDomainResponse(
            id=row.id,
            checks=_checks(row),
            verified=row.verified,
            status=_DOMAIN_STATUSES[row.status],
            dns_records=self._records(row, verification.keys),
            failing_since=_optional_time(row.failing_since),
        )

    async def DeleteDomain(
        self, request: pb.DeleteDomainRequest, context: Context
    ) -> pb.DeleteDomainResponse:
        """Removes a domain with its keys."""
        org_id, id = await self._own(request.id)
        await self._writer.run(store.remove, org_id, id)
        return pb.DeleteDomainResponse(id=id, deleted=True)

    async def _own(self, id: str) -> tuple[str, str]:
        """The ids of the caller's organisation and of a domain. The organisation may have no such domain.

        Raises `DomainNotFound` for a text that is no id, and for a domain beyond the bounds of the caller's
        key (C-90).
        """
        caller = current_caller()
        if not is_id(id):
            raise DomainNotFound(id)
        if caller.allowed_domains:
            row = await self._database.read(store.get, caller.org_id, id)
            if row.domain not in caller.allowed_domains:
                raise DomainNotFound(id)
        return caller.org_id, id

    async def _with_records(self, row: store.DomainRow) -> domain_pb2.Domain:
        keys = await self._database.read(store.public_keys, row.org_id, row.id)
        return self._domain(row, keys)

    def _domain(self, row: store.DomainRow, keys: Iterable[PublicKey]) -> domain_pb2.Domain:
        domain = _bare_domain(row)
        domain.dns_records.extend(self._records(row, keys))
        return domain

    def _records(self, row: store.DomainRow, keys: Iterable[PublicKey]) -> list[domain_pb2.DnsRecord]:
        checks = Checks(row.spf, row.dkim, row.dmarc, row.return_path)
        zone, findings = zone_of(row.domain), load(row.findings)
        published = records(row.domain, self._hostname, keys, checks)
        return [_record(record, zone, finding_of(record, findings)) for record in published]


def _record(record: Record, zone: str, finding: Finding) -> domain_pb2.DnsRecord:
    return domain_pb2.DnsRecord(
        record=_PURPOSES[record.purpose],
        name=record.name,
        host=host_in(zone, record.name),
        type=_RECORD_TYPES[record.type],
        ttl=record.ttl,
        status=_CHECK_STATUSES[finding.status],
        value=record.value,
        priority=record.priority,
        required=record.required,
        found=finding.found,
        problem=finding.problem or None,
        note=record.note or None,
    )


def _settings(request: pb.CreateDomainRequest | pb.UpdateDomainRequest) -> store.DomainSettings:
    """The sending options that a request gives. Raises `ValidationFailed`."""
    if request.tls not in _TLS_ENFORCED:
        raise ValidationFailed([Violation("tls", "must be opportunistic or enforced")])
    return store.DomainSettings(
        open_tracking=request.open_tracking if request.HasField("open_tracking") else None,
        click_tracking=request.click_tracking if request.HasField("click_tracking") else None,
        tls_enforced=_TLS_ENFORCED[request.tls],
    )


def _bare_domain(row: store.DomainRow) -> domain_pb2.Domain:
    return domain_pb2.Domain(
        id=row.id,
        domain=row.domain,
        status=_DOMAIN_STATUSES[row.status],
        created_at=timestamp(row.created_at),
        checks=_checks(row),
        verified=row.verified,
        checked_at=_optional_time(row.checked_at),
        failing_since=_optional_time(row.failing_since),
        open_tracking=row.open_tracking,
        click_tracking=row.click_tracking,
        tls=domain_pb2.TLS_MODE_ENFORCED if row.tls_enforced else domain_pb2.TLS_MODE_OPPORTUNISTIC,
    )


def _optional_time(milliseconds: int | None) -> Timestamp | None:
    return None if milliseconds is None else timestamp(milliseconds)


def _checks(row: store.DomainRow) -> domain_pb2.DomainChecks:
    return domain_pb2.DomainChecks(
        spf=_CHECK_STATUSES[row.spf],
        dkim=_CHECK_STATUSES[row.dkim],
        dmarc=_CHECK_STATUSES[row.dmarc],
        return_path=_CHECK_STATUSES[row.return_path],
    )
