"""DomainService."""

from collections.abc import Iterable
from typing import Any

import grpc
from zidimail.v1 import domain_pb2, domain_service_pb2_grpc
from zidimail.v1 import domain_service_pb2 as pb

from server.clock import Clock
from server.db.engine import Database
from server.db.writer import Writer
from server.domains import store
from server.domains.keys import new_keys
from server.domains.rules import Checks, CheckStatus, DomainStatus, PublicKey, host_name, records
from server.domains.verify import Verifier
from server.faults import DomainNotFound
from server.ids import is_id, new_id
from server.sealing import Seal
from server.settings import Settings
from server.wire.caller import current_caller
from server.wire.paging import page_of
from server.wire.timestamps import timestamp

Context = grpc.aio.ServicerContext[Any, Any]

_CHECK_STATUSES: dict[CheckStatus, domain_pb2.CheckStatus] = {
    "pending": domain_pb2.CHECK_STATUS_PENDING,
    "verified": domain_pb2.CHECK_STATUS_VERIFIED,
    "failed": domain_pb2.CHECK_STATUS_FAILED,
    "temporary_failure": domain_pb2.CHECK_STATUS_TEMPORARY_FAILURE,
}
_DOMAIN_STATUSES: dict[DomainStatus, domain_pb2.DomainStatus] = {
    "pending": domain_pb2.DOMAIN_STATUS_PENDING,
    "verified": domain_pb2.DOMAIN_STATUS_VERIFIED,
    "failed": domain_pb2.DOMAIN_STATUS_FAILED,
}


class DomainServicer(domain_service_pb2_grpc.DomainServiceServicer):
    """Adds, shows, verifies and removes domains."""

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
        name, id, now = host_name(request.domain), new_id(), self._clock.now_ms()
        async with self._database.read() as connection:
            # Asked before the keys are made, which is the expensive part; `add` asks again.
            await store.check_free(connection, org_id, name)
        keys = await new_keys(id, self._seal)
        row = await self._writer.run(lambda connection: store.add(connection, org_id, id, name, keys, now))
        public = [PublicKey(key.selector, key.algorithm, key.public_key) for key in keys]
        return pb.CreateDomainResponse(domain=self._domain(row, public))

    async def GetDomain(self, request: pb.GetDomainRequest, context: Context) -> pb.GetDomainResponse:
        """One domain with its records."""
        org_id, id = current_caller().org_id, _id_of(request.id)
        async with self._database.read() as connection:
            row = await store.get(connection, org_id, id)
            keys = await store.public_keys(connection, org_id, id)
        return pb.GetDomainResponse(domain=self._domain(row, keys))

    async def ListDomains(self, request: pb.ListDomainsRequest, context: Context) -> pb.ListDomainsResponse:
        """A page of the domains, newest first."""
        page = page_of(
            request.limit if request.HasField("limit") else None,
            request.page if request.HasField("page") else None,
        )
        async with self._database.read() as connection:
            rows, total = await store.page_of_domains(connection, current_caller().org_id, page)
        return pb.ListDomainsResponse(
            data=[_bare_domain(row) for row in rows],
            has_more=page.offset + len(rows) < total,
            total=total,
            page=page.number,
            limit=page.limit,
        )

    async def VerifyDomain(
        self, request: pb.VerifyDomainRequest, context: Context
    ) -> pb.VerifyDomainResponse:
        """Looks the records up in DNS and stores what was found."""
        verification = await self._verifier.verify(current_caller().org_id, _id_of(request.id))
        row = verification.domain
        return pb.VerifyDomainResponse(
            id=row.id,
            checks=_checks(row),
            verified=row.verified,
            status=_DOMAIN_STATUSES[row.status],
            dns_records=self._records(row, verification.keys),
        )

    async def DeleteDomain(
        self, request: pb.DeleteDomainRequest, context: Context
    ) -> pb.DeleteDomainResponse:
        """Removes a domain with its keys."""
        org_id, id = current_caller().org_id, _id_of(request.id)
        await self._writer.run(lambda connection: store.remove(connection, org_id, id))
        return pb.DeleteDomainResponse(id=id, deleted=True)

    def _domain(self, row: store.DomainRow, keys: Iterable[PublicKey]) -> domain_pb2.Domain:
        domain = _bare_domain(row)
        domain.dns_records.extend(self._records(row, keys))
        return domain

    def _records(self, row: store.DomainRow, keys: Iterable[PublicKey]) -> list[domain_pb2.DnsRecord]:
        checks = Checks(row.spf, row.dkim, row.dmarc, row.return_path)
        return [
            domain_pb2.DnsRecord(
                record=record.purpose,
                name=record.name,
                type=record.type,
                ttl=record.ttl,
                status=_CHECK_STATUSES[record.status],
                value=record.value,
                priority=record.priority,
                required=record.required,
            )
            for record in records(row.domain, self._hostname, keys, checks)
        ]


def _id_of(text: str) -> str:
    """The id. Raises `DomainNotFound` for what has not the form of one, and so cannot be stored."""
    if not is_id(text):
        raise DomainNotFound(text)
    return text


def _bare_domain(row: store.DomainRow) -> domain_pb2.Domain:
    return domain_pb2.Domain(
        id=row.id,
        domain=row.domain,
        status=_DOMAIN_STATUSES[row.status],
        created_at=timestamp(row.created_at),
        checks=_checks(row),
        verified=row.verified,
        checked_at=None if row.checked_at is None else timestamp(row.checked_at),
    )


def _checks(row: store.DomainRow) -> domain_pb2.DomainChecks:
    return domain_pb2.DomainChecks(
        spf=_CHECK_STATUSES[row.spf],
        dkim=_CHECK_STATUSES[row.dkim],
        dmarc=_CHECK_STATUSES[row.dmarc],
        return_path=_CHECK_STATUSES[row.return_path],
    )
