"""Domains in a store, and their records in DNS."""

from server.db.database import Database
from server.db.writer import Writer
from server.domains import store
from server.domains.keys import NewKey
from server.domains.recording import record_checks
from server.domains.rules import FAILED_CHECKS, FAILING_MS, Checks, PublicKey, records
from server.domains.verify import Verification, Verifier
from server.ids import new_id
from server.sealing import Seal
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsServer

ORG, OTHER = new_id(), new_id()
DOMAIN = "mail.example.com"
HOSTNAME = "platform.example"
SEAL = Seal("a secret of the tests")
NEVER_SIGNS = [NewKey("zm1r", "rsa", b"sealed", "MIIB"), NewKey("zm1e", "ed25519", b"sealed", "11qY")]
BOTH_SEEN = Checks(spf="verified", dkim="verified")


async def add(
    writer: Writer, org_id: str = ORG, domain: str = DOMAIN, keys: list[NewKey] = NEVER_SIGNS
) -> str:
    id = new_id()
    await writer.run(store.add, org_id, id, domain, keys, 1_000)
    return id


async def record(
    writer: Writer,
    id: str,
    checks: Checks,
    org_id: str = ORG,
    *,
    keys: str | None = None,
    at_ms: int = 2_000,
) -> store.DomainRow:
    found = [
        PublicKey(key.selector, key.algorithm, key.public_key, keys or checks.dkim) for key in NEVER_SIGNS
    ]  # type: ignore[arg-type]
    return await writer.run(record_checks, org_id, id, checks, found, at_ms)


async def verify_until_it_counts(verifier: Verifier, clock: ManualClock, id: str) -> Verification:
    """Verifies so often, over such a time, that wrong records take the right to send (C-53)."""
    for _ in range(FAILED_CHECKS - 1):
        assert (await verifier.verify(ORG, id)).domain.verified
    clock.advance(FAILING_MS / 1000)
    return await verifier.verify(ORG, id)


async def get(database: Database, id: str, org_id: str = ORG) -> store.DomainRow:
    return await database.read(store.get, org_id, id)


async def signing(database: Database, *of: tuple[str, str]) -> dict[tuple[str, str], list[str]]:
    found = await database.read(store.signing_keys, of)
    return {pair: [key.selector for key in keys] for pair, keys in found.items()}


def publish(dns_server: DnsServer, verification: store.DomainRow, keys: list[PublicKey]) -> None:
    """Serves every record that the domain is to publish."""
    dns_server.zones.clear()
    for record in records(verification.domain, HOSTNAME, keys, Checks()):
        value = f"{record.priority} {record.value}." if record.type == "MX" else record.value
        dns_server.zones[record.name, record.type] = [value]


async def published(database: Database, writer: Writer, dns_server: DnsServer, org_id: str = ORG) -> str:
    id = await add(writer, org_id)
    row, keys = await database.read(store.get_with_keys, org_id, id)
    publish(dns_server, row, keys)
    return id
