"""Builds and signs messages of emails as the store has them, a list at a time, outside of the event loop."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson
import structlog
from cryptography.exceptions import InvalidTag

from server.addresses import Mailbox, NotAMailbox, mailbox
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.delivery.costs import Costs
from server.delivery.stored import EmailRow, PartRow, Stored
from server.delivery.transport import OutgoingMessage
from server.domains import store as domain_store
from server.domains.keys import private_key
from server.ids import SYSTEM_ORG_ID
from server.message.attachment import Attachment
from server.message.compose import Message, compose
from server.message.downgrade import downgraded
from server.message.encoding import Uncomposable, address_text
from server.message.raw_letter import downgraded_head, head_of
from server.message.sign import SigningKey, UnusableKey, Validity, sign
from server.newest import Newest
from server.sealing import Seal

_log = structlog.get_logger()

# The organisation and the id of a domain.
DomainKey: TypeAlias = tuple[str, str]
# The domain of the platform's own organisation, whose name is reserved: another one signs for it.
_SYSTEM: DomainKey = (SYSTEM_ORG_ID, SYSTEM_ORG_ID)
# The time for which loaded keys are used before they are read again: a new selector signs soon after it was
# seen in DNS (F-11), a deleted domain soon no longer.
KEYS_FOR_MS = 5_000
_MAX_DOMAINS = 4096


@dataclass(frozen=True, slots=True)
class Unpreparable:
    """A message that cannot be built; `permanent` if it never can be."""

    reason: str
    permanent: bool


# The keys to sign with, or None if the domain has keys of which none can be opened.
_Keyring: TypeAlias = Sequence[SigningKey] | None
# Sealed under another secret, most likely. An unsigned message would be taken for a forgery and cost the
# domain its name, while a deferred one goes out signed as soon as the settings are right again.
_SEALED = Unpreparable("the DKIM keys of its domain cannot be opened", permanent=False)


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: _Keyring
    needs_tls: bool
    until_ms: int


class Preparer:
    """Builds letters, with the signing keys of their domains kept loaded."""

    def __init__(
        self, database: Database, seal: Seal, clock: Clock, lifetime_s: float, system_domain: str
    ) -> None:
        """`system_domain` is that of the platform's own mail, which is signed with the keys of the
        organisation that has verified it."""
        self._database = database
        self._seal = seal
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._system_domain = system_domain
        self._keys: Newest[DomainKey, _Keys] = Newest(_MAX_DOMAINS)
        self.costs = Costs()

    async def prepare(self, emails: Sequence[Stored]) -> list[OutgoingMessage | Unpreparable]:
        """A letter for each email, or why there is none: one bad message does not hold up the others."""
        keys = await self._keys_of({(stored.email.org_id, stored.email.domain_id) for stored in emails})
        validity = Validity(round(self._lifetime_s), self._clock.now_ms() // 1000)
        letters, seconds = await asyncio.to_thread(_letters, emails, keys, validity)
        self.costs.note(seconds)
        return letters

    async def _keys_of(self, domains: Iterable[DomainKey]) -> dict[DomainKey, _Keys]:
        now = self._clock.now_ms()
        found: dict[DomainKey, _Keys] = {}
        missing = []
        for domain in domains:
            known = self._keys.get(domain)
            if known is not None and known.until_ms > now:
                found[domain] = known
            else:
                missing.append(domain)
        if missing:
            stored, enforcing_tls = await self._database.read(_read_domains, missing, self._system_domain)
            for domain in missing:
                keyring = self._load(domain, stored.get(domain, ()))
                loaded = _Keys(keyring, domain in enforcing_tls, now + KEYS_FOR_MS)
                found[domain] = loaded
                self._keys.keep(domain, loaded)
        return found

    def _load(self, domain: DomainKey, rows: Sequence[domain_store.SigningKey]) -> _Keyring:
        loaded = self._keys[domain].keys if domain in self._keys else None
        known = {key.selector: key for key in loaded or ()}
        keys = []
        for row in rows:
            if row.selector in known:
                keys.append(known[row.selector])
                continue
            try:
                pem = private_key(self._seal, row.domain_id, row.selector, row.private_key)
                keys.append(SigningKey.load(row.domain, row.selector, pem))
            except (InvalidTag, UnusableKey, ValueError):
                # One of the two signatures is as good as both to most receivers.
                _log.exception("a DKIM key cannot be used", domain_id=row.domain_id, selector=row.selector)
        return keys if keys or not rows else None


def _read_domains(
    tx: Tx, domains: Sequence[DomainKey], system_domain: str
) -> tuple[dict[DomainKey, list[domain_store.SigningKey]], set[DomainKey]]:
    """The keys that sign for domains, and those of the domains whose mail may only travel encrypted."""
    owned = None
    if _SYSTEM in domains and (owned := domain_store.verified_domain(tx, system_domain)) is not None:
        domains = [owned, *domains]
    keys, enforcing_tls = domain_store.signing_keys(tx, domains), domain_store.enforcing_tls(tx, domains)
    if owned is not None:
        keys[_SYSTEM] = keys.get(owned, [])
        enforcing_tls |= {_SYSTEM} if owned in enforcing_tls else set()
    return keys, enforcing_tls


def _letters(
    emails: Sequence[Stored], keys: dict[DomainKey, _Keys], validity: Validity
) -> tuple[list[OutgoingMessage | Unpreparable], dict[str, float]]:
    """A letter for each email, and the seconds that the last one of each organisation took."""
    letters: list[OutgoingMessage | Unpreparable] = []
    seconds: dict[str, float] = {}
    for stored in emails:
        began_s = time.thread_time()
        letters.append(_letter_or_problem(stored, keys, validity))
        seconds[stored.email.org_id] = time.thread_time() - began_s
    return letters, seconds


def _letter_or_problem(
    stored: Stored, keys: Mapping[DomainKey, _Keys], validity: Validity
) -> OutgoingMessage | Unpreparable:
    email = stored.email
    domain = keys[email.org_id, email.domain_id]
    if domain.keys is None:
        return _SEALED
    try:
        return letter(email, stored.parts, domain.keys, validity, needs_tls=domain.needs_tls)
    except (Uncomposable, NotAMailbox) as error:
        return Unpreparable(str(error), permanent=True)
    except Exception as error:
        _log.exception("a message cannot be built", email_id=email.id)
        return Unpreparable(type(error).__name__, permanent=False)


def letter(
    email: EmailRow,
    parts: list[PartRow],
    keys: Sequence[SigningKey],
    validity: Validity,
    *,
    needs_tls: bool = False,
) -> OutgoingMessage:
    """The letter of an email with the parts of its attachments.

    The date and the time of signature are those of the acceptance, or of the time it was scheduled for, so
    that every attempt within its lifetime sends the same bytes. `parts` is emptied: the message takes its
    place in memory. Raises `Uncomposable`, `NotAMailbox`.
    """
    if email.raw_head is not None:
        return _raw_letter(email, email.raw_head, parts, keys, validity, needs_tls=needs_tls)
    sender = mailbox(email.sender)
    message = Message(
        sender=sender,
        to=_mailboxes(email.to),
        cc=_mailboxes(email.cc),
        reply_to=_mailboxes(email.reply_to),
        subject=email.subject,
        message_id=email.message_id,
        date_ms=email.begins_at,
        text=email.text,
        html=email.html,
        headers=orjson.loads(email.headers),
        attachments=_attachments(parts),
    )
    composed = compose(message)
    signed_at_s = email.begins_at // 1000
    signing = _Signing(keys, signed_at_s, validity.end(signed_at_s))
    head = signing.head(composed.head, composed.body)
    ascii_head = b""
    if composed.needs_utf8 and (lines := downgraded(message, composed.head)):
        ascii_head = signing.head(lines, composed.body)
    return OutgoingMessage(
        email.org_id,
        email.id,
        address_text(sender.address),
        b"".join((head, composed.body)),
        composed.needs_utf8,
        needs_tls,
        ascii_head,
        len(head),
        signing.head,
    )


def _raw_letter(
    email: EmailRow,
    stored_head: bytes,
    parts: list[PartRow],
    keys: Sequence[SigningKey],
    validity: Validity,
    *,
    needs_tls: bool,
) -> OutgoingMessage:
    """The letter of a finished message: only signatures are added. Raises `Uncomposable`, `NotAMailbox`."""
    if email.raw_size and not parts:
        raise Uncomposable("its body is not kept any more")
    lines = head_of(stored_head, email.begins_at)
    body = b"".join(_emptied([row.content for row in _taken(parts) if row.content is not None]))
    signed_at_s = email.begins_at // 1000
    signing = _Signing(keys, signed_at_s, validity.end(signed_at_s))
    head = signing.head(lines, body)
    needs_utf8 = not head.isascii()
    ascii_head = b""
    if needs_utf8 and (ascii_lines := downgraded_head(lines)):
        ascii_head = signing.head(ascii_lines, body)
    return OutgoingMessage(
        email.org_id,
        email.id,
        email.mail_from or address_text(mailbox(email.sender).address),
        b"".join((head, body)),
        needs_utf8,
        needs_tls,
        ascii_head,
        len(head),
        signing.head,
    )


@dataclass(frozen=True, slots=True)
class _Signing:
    """The keys that sign an email, and the times of its signatures in seconds since 1970 UTC."""

    keys: Sequence[SigningKey]
    signed_at_s: int
    valid_until_s: int

    def head(self, lines: Sequence[bytes], body: bytes) -> bytes:
        """A header with its signatures and the empty line."""
        signatures = sign(lines, body, self.keys, self.signed_at_s, self.valid_until_s)
        return b"".join((*signatures, *lines, b"\r\n"))


def _attachments(rows: list[PartRow]) -> list[Attachment]:
    """The attachments of an email; the content of each leaves memory as it is read."""
    found: list[Attachment] = []
    parts: list[bytes] = []
    no = 0
    while rows:
        row = rows.pop(0)
        if row.no != no:
            no, parts = row.no, []
            found.append(Attachment(row.filename, row.content_type, row.content_id, _emptied(parts)))
        if row.content is not None:
            parts.append(row.content)
        elif row.size:
            raise Uncomposable("its attachments are not kept any more")
    return found


def _taken(rows: list[PartRow]) -> Iterator[PartRow]:
    while rows:
        yield rows.pop(0)


def _emptied(parts: list[bytes]) -> Iterator[bytes]:
    while parts:
        yield parts.pop(0)


def _mailboxes(texts: str) -> list[Mailbox]:
    """Reads a JSON list of mailboxes as the caller wrote them."""
    return [] if texts == "[]" else [mailbox(text) for text in orjson.loads(texts)]
