"""SPF by the test suite of openspf.org for RFC 7208, asked of a real DNS server.

The suite stands in the source package of pyspf, which `make` downloads beside the environment.
"""

import ipaddress
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import dns.name
import pytest
import yaml

from server.domains.look_ups import LookUps
from server.domains.spf import check_host
from server.domains.spf_outcome import Sender
from server.net.dns import Resolver
from server.settings import Settings
from tests.harness.dns_server import DnsFault, DnsServer, Zones

PACKAGES = Path(__file__).parents[4] / ".venv" / "spf-vectors"
SUITE = "test/rfc7208-tests.yml"


class Vector(NamedTuple):
    """A question with the results that the suite allows, and the zones that answer it."""

    zones: Zones
    client: str
    helo: str
    mail_from: str
    results: list[str]


def _vectors() -> Iterator[Any]:
    package = next(PACKAGES.glob("pyspf-*.tar.gz"), None)
    assert package is not None, "the SPF test suite is missing: remove .venv/installed and run `make test`"
    with tarfile.open(package) as files:
        suite = files.extractfile(f"{package.name.removesuffix('.tar.gz')}/{SUITE}")
        assert suite is not None
        scenarios = list(yaml.safe_load_all(suite))
    for scenario in scenarios:
        zones = _zones(scenario["zonedata"])
        for name, test in scenario["tests"].items():
            results = test["result"] if isinstance(test["result"], list) else [test["result"]]
            vector = Vector(zones, test["host"], test["helo"], test["mailfrom"] or "", results)
            yield pytest.param(vector, id=name)


def _zones(data: dict[str, list[Any]]) -> Zones:
    """The suite's zones: SPF records stand for TXT records too unless there are some, as its drivers do."""
    zones: Zones = {}
    for name, entries in data.items():
        owner = dns.name.from_text(str(name)).to_text(omit_final_dot=True).lower()
        records = [next(iter(entry.items())) for entry in entries if isinstance(entry, dict)]
        if not any(kind == "TXT" for kind, _ in records):
            records += [("TXT", value) for kind, value in records if kind == "SPF"]
        silent = "TIMEOUT" in entries
        for kind in ("A", "AAAA", "MX", "PTR", "TXT", "CNAME") if silent else ():
            # Refused at once instead of after a wait: no answer in either case.
            zones[owner, kind] = DnsFault.SERVFAIL
        for kind, value in records:
            if value == "NONE":
                zones.setdefault((owner, kind), [])
            elif value == "TIMEOUT":
                zones[owner, kind] = DnsFault.SERVFAIL
            else:
                known = zones.get((owner, kind))
                zones[owner, kind] = [*(known if isinstance(known, list) else []), _presented(kind, value)]
    return zones


def _presented(kind: str, value: Any) -> str:
    if kind == "MX":
        return f"{value[0]} {_absolute(value[1])}"
    if kind in {"PTR", "CNAME"}:
        return _absolute(value)
    if kind in {"TXT", "SPF"}:
        return "".join(value)
    return str(value)


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


@pytest.mark.parametrize("vector", list(_vectors()))
async def test_result_is_one_that_rfc_7208_allows(vector: Vector) -> None:
    local, _, domain = vector.mail_from.rpartition("@")
    sender = Sender(domain or vector.helo, vector.helo, local or "postmaster")
    async with DnsServer(vector.zones) as server:
        settings = Settings(data_dir=Path(), database_url="", secret="", dns=server.address)
        resolver = Resolver(settings)
        outcome = await check_host(LookUps(resolver), ipaddress.ip_network(vector.client), sender)
        await resolver.close()
    assert outcome.result in vector.results, outcome
