"""The look-ups of one verification: each name and type is asked once, and their number is bounded."""

import dns.name
import dns.rdata

from server.net.dns import DnsTemporaryError, NxDomain, Resolver

# A record may name a new host for each of our addresses by a macro: a limit beside those of RFC 7208.
MAX_QUERIES = 400

_Key = tuple[str, str]


class TooManyLookUps(Exception):
    """The records of a domain lead to more than `MAX_QUERIES` look-ups."""


class LookUps:
    """Answers from DNS, not from the resolver's cache: the owner has usually just changed a record."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[_Key, tuple[dns.rdata.Rdata, ...] | DnsTemporaryError] = {}

    async def txt(self, name: str) -> list[str]:
        """The TXT records, the strings of each joined without a blank (RFC 7208 section 3.3)."""
        records = await self._records(name, "TXT")
        # Latin-1 decodes any bytes: a published record must not raise an error here.
        return [b"".join(record.strings).decode("latin-1") for record in records]  # type: ignore[attr-defined]

    async def mx(self, name: str) -> list[tuple[int, str]]:
        """The preference and host of each MX record, best first; the host of a null MX is empty."""
        records = await self._records(name, "MX")
        return sorted((record.preference, _host(record.exchange)) for record in records)  # type: ignore[attr-defined]

    async def addresses(self, name: str, version: int) -> list[str]:
        """The IPv4 or IPv6 addresses of a host."""
        records = await self._records(name, "A" if version == 4 else "AAAA")
        return [record.address for record in records]  # type: ignore[attr-defined]

    async def names(self, reverse_name: str) -> list[str]:
        """The hosts of the PTR records of an address."""
        records = await self._records(reverse_name, "PTR")
        return [_host(record.target) for record in records]  # type: ignore[attr-defined]

    async def _records(self, name: str, rdtype: str) -> tuple[dns.rdata.Rdata, ...]:
        """The records: none if the name or the type does not exist.

        Raises `DnsTemporaryError`, `TooManyLookUps`.
        """
        key = (name.lower(), rdtype)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= MAX_QUERIES:
                raise TooManyLookUps
            known = self._known[key] = await self._ask(name, rdtype)
        if isinstance(known, DnsTemporaryError):
            raise known
        return known

    async def _ask(self, name: str, rdtype: str) -> tuple[dns.rdata.Rdata, ...] | DnsTemporaryError:
        try:
            # A backslash begins an escape in a name's text form; a macro may expand to one.
            answer = await self._resolver.answer(name.replace("\\", "\\\\"), rdtype, fresh=True)
        except NxDomain:
            return ()
        except DnsTemporaryError as error:
            return error
        return answer.records


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().removeprefix(".")
