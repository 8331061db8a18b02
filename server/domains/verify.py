"""Verifies a domain: looks up its DNS records, checks them, and stores the results (rows Z-33, C-53)."""

import asyncio
from dataclasses import dataclass

from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.domains import store
from server.domains.checks import check_dkim, check_dmarc, check_keys, check_mx, dmarc_names
from server.domains.findings import Finding, Findings, combined, unanswered
from server.domains.look_ups import LookUps
from server.domains.recording import record_checks
from server.domains.rules import Checks, PublicKey, bounce_host, dkim_name, return_path_domain
from server.domains.spf_check import check_spf, read_platform
from server.net.dns import DnsTemporaryError, Resolver
from server.settings import Settings


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
        checks, keys, findings = await self._check(domain.domain, keys)
        now = self._clock.now_ms()
        row, left = await self._writer.run(_record, org_id, id, checks, keys, now, findings)
        return Verification(row, left)

    async def _check(self, domain: str, keys: list[PublicKey]) -> tuple[Checks, list[PublicKey], Findings]:
        look_ups = LookUps(self._resolver)
        return_path = return_path_domain(domain)
        names = [dkim_name(key.selector, domain) for key in keys]
        (spf, return_path_spf), mx, dkim, dmarc = await asyncio.gather(
            self._spf(look_ups, domain, return_path),
            self._mx(look_ups, return_path),
            asyncio.gather(*(_dkim(look_ups, name, key) for name, key in zip(names, keys, strict=True))),
            _dmarc(look_ups, domain),
        )
        checked = [key._replace(status=found.status) for key, found in zip(keys, dkim, strict=True)]
        checks = Checks(
            spf=spf.status,
            dkim=check_keys(checked),
            dmarc=dmarc.status,
            return_path=combined([mx.status, return_path_spf.status]),
        )
        findings = {
            (domain, "TXT"): spf,
            **{(name, "TXT"): found for name, found in zip(names, dkim, strict=True)},
            (f"_dmarc.{domain}", "TXT"): dmarc,
            (return_path, "MX"): mx,
            (return_path, "TXT"): return_path_spf,
        }
        return checks, checked, findings

    async def _spf(self, look_ups: LookUps, *domains: str) -> list[Finding]:
        platform = await read_platform(look_ups, self._hostname)
        return await asyncio.gather(*(check_spf(look_ups, domain, platform) for domain in domains))

    async def _mx(self, look_ups: LookUps, name: str) -> Finding:
        try:
            return check_mx(await look_ups.mx(name), name, bounce_host(self._hostname))
        except DnsTemporaryError as error:
            return unanswered(name, str(error))


async def _dkim(look_ups: LookUps, name: str, key: PublicKey) -> Finding:
    try:
        return check_dkim(await look_ups.txt(name), key, name)
    except DnsTemporaryError as error:
        return unanswered(name, str(error))


async def _dmarc(look_ups: LookUps, domain: str) -> Finding:
    names = dmarc_names(domain)
    answers = await asyncio.gather(*map(look_ups.txt, names), return_exceptions=True)
    answered: dict[str, list[str]] = {}
    silent: list[Finding] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, DnsTemporaryError):
            silent.append(unanswered(name, str(answer)))
        elif isinstance(answer, BaseException):
            raise answer
        else:
            answered[name] = answer
    return check_dmarc(answered, silent)


def _record(
    tx: Tx,
    org_id: str,
    id: str,
    checks: Checks,
    keys: list[PublicKey],
    now_ms: int,
    findings: Findings,
) -> tuple[store.DomainRow, list[PublicKey]]:
    row = record_checks(tx, org_id, id, checks, keys, now_ms, findings)
    return row, store.public_keys(tx, org_id, id)
