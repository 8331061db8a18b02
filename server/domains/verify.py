"""Verifies a domain: looks up its DNS records, checks them, and stores the results (contract row Z-33)."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store
from server.domains.checks import (
    check_dkim,
    check_dmarc,
    check_keys,
    check_return_path,
    check_spf,
    dmarc_names,
)
from server.domains.recording import record_checks
from server.domains.rules import (
    Checks,
    PublicKey,
    bounce_host,
    dkim_name,
    return_path_domain,
    spf_mechanism,
)
from server.net.dns import DnsTemporaryError, NxDomain, Resolver
from server.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Verification:
    """A domain after a verification, and its keys."""

    domain: store.DomainRow
    keys: list[PublicKey]


class Verifier:
    """Verifies domains, with no transaction open while it waits for DNS."""

    def __init__(
        self, database: Database, writer: Writer, clock: Clock, resolver: Resolver, settings: Settings
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._resolver = resolver
        self._hostname = settings.hostname

    async def verify(self, org_id: str, id: str) -> Verification:
        """Looks up all records concurrently and stores the results.

        Raises `DomainNotFound`, and `DomainOwnedElsewhere` if another organisation has verified it.
        """
        domain, keys = await self._database.read(store.get_with_keys, org_id, id)
        checks, keys = await self._check(domain.domain, keys)
        now = self._clock.now_ms()
        row, left = await self._writer.run(_record, org_id, id, checks, keys, now)
        return Verification(row, left)

    async def _check(self, domain: str, keys: list[PublicKey]) -> tuple[Checks, list[PublicKey]]:
        mechanism = spf_mechanism(self._hostname)
        return_path = return_path_domain(domain)
        spf, mx, return_path_spf, dkim, dmarc = await asyncio.gather(
            self._txt(domain),
            _found(self._resolver.mx(return_path, fresh=True)),
            self._txt(return_path),
            asyncio.gather(*(self._txt(dkim_name(key.selector, domain)) for key in keys)),
            asyncio.gather(*(self._txt(name) for name in dmarc_names(domain))),
        )
        checked = [key._replace(status=check_dkim(found, key)) for key, found in zip(keys, dkim, strict=True)]
        checks = Checks(
            spf=check_spf(spf, mechanism),
            dkim=check_keys(checked),
            dmarc=check_dmarc(dmarc),
            return_path=check_return_path(mx, return_path_spf, bounce_host(self._hostname), mechanism),
        )
        return checks, checked

    async def _txt(self, name: str) -> list[str] | None:
        # Not from the cache: the owner usually asks for a verification after changing a record.
        return await _found(self._resolver.txt(name, fresh=True))


def _record(
    tx: Tx, org_id: str, id: str, checks: Checks, keys: list[PublicKey], now_ms: int
) -> tuple[store.DomainRow, list[PublicKey]]:
    row = record_checks(tx, org_id, id, checks, keys, now_ms)
    return row, store.public_keys(tx, org_id, id)


async def _found(look_up: Awaitable[list[T]]) -> list[T] | None:
    """The records of a look-up: an empty list if the name does not exist, None if DNS did not answer."""
    try:
        return await look_up
    except NxDomain:
        return []
    except DnsTemporaryError:
        return None
