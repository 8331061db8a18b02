"""Domains over gRPC, verified against a scripted DNS server (Z-30 to Z-34, C-45)."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import dkim
import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import domain_pb2, domain_service_pb2_grpc, email_service_pb2, email_service_pb2_grpc
from zidimail.v1 import domain_service_pb2 as pb

from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.stack import Stack, free_port
from tests.harness.waiting import until

HOSTNAME = "platform.example"
TXT, MX = domain_pb2.DNS_RECORD_TYPE_TXT, domain_pb2.DNS_RECORD_TYPE_MX
DKIM = domain_pb2.DNS_RECORD_PURPOSE_DKIM
PENDING, VERIFIED, FAILED, NOT_NOW = (
    domain_pb2.CHECK_STATUS_PENDING,
    domain_pb2.CHECK_STATUS_VERIFIED,
    domain_pb2.CHECK_STATUS_FAILED,
    domain_pb2.CHECK_STATUS_TEMPORARY_FAILURE,
)


class Client:
    """The services as one organisation sees them."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._domains = domain_service_pb2_grpc.DomainServiceStub(channel)
        self._emails = email_service_pb2_grpc.EmailServiceStub(channel)

    async def create(self, name: str) -> domain_pb2.Domain:
        request = pb.CreateDomainRequest(domain=name)
        return (await self._domains.CreateDomain(request, metadata=self._metadata)).domain

    async def get(self, id: str) -> domain_pb2.Domain:
        return (await self._domains.GetDomain(pb.GetDomainRequest(id=id), metadata=self._metadata)).domain

    async def list(self, **fields: Any) -> pb.ListDomainsResponse:
        return await self._domains.ListDomains(pb.ListDomainsRequest(**fields), metadata=self._metadata)

    async def verify(self, id: str) -> pb.VerifyDomainResponse:
        return await self._domains.VerifyDomain(pb.VerifyDomainRequest(id=id), metadata=self._metadata)

    async def update(self, id: str, **fields: Any) -> domain_pb2.Domain:
        request = pb.UpdateDomainRequest(id=id, **fields)
        return (await self._domains.UpdateDomain(request, metadata=self._metadata)).domain

    async def rotate(self, id: str) -> domain_pb2.Domain:
        request = pb.RotateDomainKeysRequest(id=id)
        return (await self._domains.RotateDomainKeys(request, metadata=self._metadata)).domain

    async def delete(self, id: str) -> pb.DeleteDomainResponse:
        return await self._domains.DeleteDomain(pb.DeleteDomainRequest(id=id), metadata=self._metadata)

    async def send(self, sender: str) -> str:
        request = email_service_pb2.SendEmailRequest(
            **{"from": sender}, to=["ok@example.net"], subject="Hello", text="Hi."
        )
        return (await self._emails.SendEmail(request, metadata=self._metadata)).id


@pytest.fixture(scope="module")
def dns_port() -> int:
    """The port of the DNS server that the stack of this module asks."""
    return free_port()


@pytest.fixture(scope="module")
def dns_stack(tmp_path_factory: pytest.TempPathFactory, dns_port: int) -> Iterator[Stack]:
    """A stack whose resolver is the scripted DNS server."""
    env = {"ZIDIMAIL_DNS": f"127.0.0.1:{dns_port}", "ZIDIMAIL_HOSTNAME": HOSTNAME}
    with Stack(tmp_path_factory.mktemp("dns-stack"), env=env) as stack:
        yield stack


@pytest.fixture
async def dns_server(dns_port: int) -> AsyncIterator[DnsServer]:
    """The scripted DNS server."""
    async with DnsServer(port=dns_port) as server:
        yield server


@pytest.fixture
async def channel(dns_stack: Stack) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to the server."""
    async with dns_stack.channel() as channel:
        yield channel


@pytest.fixture
def owner(channel: grpc.aio.Channel, dns_stack: Stack) -> Client:
    """The first organisation."""
    return Client(channel, dns_stack.owner.api_key)


@pytest.fixture
def other(channel: grpc.aio.Channel, dns_stack: Stack) -> Client:
    """Another organisation."""
    return Client(channel, dns_stack.other.jwt)


async def refusal_of(call: Any) -> str:
    """The reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    trailers = dict(refused.value.trailing_metadata())
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(trailers["grpc-status-details-bin"]).details[0].Unpack(info)
    return info.reason


def publish(dns_server: DnsServer, domain: domain_pb2.Domain) -> None:
    """Serves the records that the domain's owner must publish."""
    for record in domain.dns_records:
        value = f"{record.priority} {record.value}." if record.type == MX else record.value
        dns_server.zones[record.name, "MX" if record.type == MX else "TXT"] = [value]


def checks(answer: pb.VerifyDomainResponse | domain_pb2.Domain) -> tuple[int, ...]:
    """The results of the checks of SPF, DKIM, DMARC and the return path."""
    found = answer.checks
    return found.spf, found.dkim, found.dmarc, found.return_path


async def test_new_domain_lists_the_records_to_publish(owner: Client) -> None:
    """Z-30."""
    domain = await owner.create("  Mail.Neu.example. ")
    assert domain.domain == "mail.neu.example"
    assert (domain.status, domain.verified) == (domain_pb2.DOMAIN_STATUS_PENDING, False)
    assert checks(domain) == (PENDING,) * 4
    assert [(r.record, r.type, r.required) for r in domain.dns_records] == [
        (domain_pb2.DNS_RECORD_PURPOSE_SPF, TXT, True),
        (DKIM, TXT, True),
        (DKIM, TXT, True),
        (domain_pb2.DNS_RECORD_PURPOSE_DMARC, TXT, False),
        (domain_pb2.DNS_RECORD_PURPOSE_RETURN_PATH, MX, False),
        (domain_pb2.DNS_RECORD_PURPOSE_RETURN_PATH, TXT, False),
    ]
    assert all(record.name.endswith("mail.neu.example") for record in domain.dns_records)
    assert [r.HasField("priority") for r in domain.dns_records] == [r.type == MX for r in domain.dns_records]
    assert domain.dns_records[0].value == f"v=spf1 include:_spf.{HOSTNAME} ~all"
    assert await owner.get(domain.id) == domain
    assert await refusal_of(owner.create("MAIL.neu.example")) == "DOMAIN_ALREADY_EXISTS"


@pytest.mark.parametrize(
    "name", ["", "localhost", "192.0.2.1", "*.example.com", "a b.example", "a\x00.example"]
)
async def test_invalid_host_name_is_refused(owner: Client, name: str) -> None:
    assert await refusal_of(owner.create(name)) == "VALIDATION_FAILED"


async def test_publishing_the_records_verifies_the_domain_and_lets_it_send(
    owner: Client, dns_server: DnsServer, dns_stack: Stack
) -> None:
    """Z-12, Z-33: and the mail is signed with the keys that were published."""
    domain = await owner.create("mail.publishing.example")
    assert await refusal_of(owner.send("a@mail.publishing.example")) == "DOMAIN_NOT_VERIFIED"

    missing = await owner.verify(domain.id)
    assert (checks(missing), missing.verified) == ((FAILED,) * 4, False)
    assert missing.status == domain_pb2.DOMAIN_STATUS_FAILED

    publish(dns_server, domain)
    found = await owner.verify(domain.id)
    assert (found.id, checks(found), found.verified) == (domain.id, (VERIFIED,) * 4, True)
    assert {record.status for record in found.dns_records} == {VERIFIED}
    stored = await owner.get(domain.id)
    assert (checks(stored), stored.verified) == ((VERIFIED,) * 4, True)
    assert stored.status == domain_pb2.DOMAIN_STATUS_VERIFIED
    assert stored.HasField("checked_at")
    assert stored.dns_records == found.dns_records

    email_id = await owner.send("a@mail.publishing.example")
    captured = await until(lambda: list(dns_stack.captured.glob(f"{email_id}.*.eml")))
    message = captured[0].read_bytes()

    def published(name: bytes, timeout: int = 5) -> bytes:
        return str(dns_server.zones[name.decode().rstrip("."), "TXT"][0]).encode()  # type: ignore[index]

    signatures = message.lower().count(b"dkim-signature:")
    assert signatures == 2
    assert all(dkim.DKIM(message).verify(idx=n, dnsfunc=published) for n in range(signatures))


async def test_dns_timeout_leaves_the_domain_unchanged(owner: Client, dns_server: DnsServer) -> None:
    """Z-33."""
    domain = await owner.create("mail.silent.example")
    publish(dns_server, domain)
    assert (await owner.verify(domain.id)).verified
    for record in list(dns_server.zones):
        dns_server.zones[record] = DnsFault.SERVFAIL
    answer = await owner.verify(domain.id)
    assert checks(answer)[:2] == (NOT_NOW, NOT_NOW)
    assert (answer.verified, answer.status) == (True, domain_pb2.DOMAIN_STATUS_VERIFIED)
    assert {record.status for record in answer.dns_records if record.record == DKIM} == {NOT_NOW}
    await owner.send("a@mail.silent.example")


async def test_the_first_organisation_to_verify_owns_the_domain(
    owner: Client, other: Client, dns_server: DnsServer
) -> None:
    """C-45."""
    ours, theirs = await owner.create("mail.wanted.example"), await other.create("mail.wanted.example")
    publish(dns_server, theirs)
    assert (await other.verify(theirs.id)).verified
    for record in ours.dns_records:
        if record.record == DKIM:
            dns_server.zones[record.name, "TXT"] = [record.value]
    assert await refusal_of(owner.verify(ours.id)) == "DOMAIN_OWNED_ELSEWHERE"
    assert not (await owner.get(ours.id)).verified
    assert await refusal_of(owner.send("a@mail.wanted.example")) == "DOMAIN_NOT_VERIFIED"
    await owner.delete(ours.id)
    assert await refusal_of(owner.create("mail.wanted.example")) == "DOMAIN_OWNED_ELSEWHERE"

    await other.delete(theirs.id)
    again = await owner.create("mail.wanted.example")
    publish(dns_server, again)
    assert (await owner.verify(again.id)).verified


async def test_a_removed_domain_is_gone(owner: Client) -> None:
    """Z-34."""
    domain = await owner.create("mail.removed.example")
    answer = await owner.delete(domain.id)
    assert (answer.id, answer.deleted) == (domain.id, True)
    for call in (owner.get(domain.id), owner.verify(domain.id), owner.delete(domain.id)):
        assert await refusal_of(call) == "DOMAIN_NOT_FOUND"
    await owner.create("mail.removed.example")


async def test_domain_of_another_organisation_is_not_found(owner: Client, other: Client) -> None:
    """C-48."""
    domain = await other.create("mail.foreign.example")
    for call in (owner.get(domain.id), owner.verify(domain.id), owner.delete(domain.id)):
        assert await refusal_of(call) == "DOMAIN_NOT_FOUND"
    assert domain.id not in {listed.id for listed in (await owner.list(limit=100)).data}
    assert (await other.get(domain.id)).id == domain.id


@pytest.mark.parametrize("id", ["x", "0" * 24, "A" * 24, "0" * 100_000])
async def test_an_unknown_id_is_not_found(owner: Client, id: str) -> None:
    """Z-32."""
    for call in (owner.get(id), owner.verify(id), owner.delete(id)):
        assert await refusal_of(call) == "DOMAIN_NOT_FOUND"


async def test_domains_are_listed_in_pages_newest_first_without_records(other: Client) -> None:
    """Z-31."""
    made = [(await other.create(f"mail.page{n}.example")).id for n in range(5)]
    first, second = await other.list(limit=3), await other.list(limit=3, page=2)
    assert [domain.id for domain in (*first.data, *second.data)][:5] == made[::-1]
    assert (first.page, first.limit, first.has_more) == (1, 3, True)
    assert not any(domain.dns_records for domain in first.data)
    everything = await other.list(limit=1000)
    assert (everything.limit, everything.has_more, len(everything.data)) == (100, False, first.total)
    assert await refusal_of(other.list(limit=-1)) == "VALIDATION_FAILED"
    assert await refusal_of(other.list(page=-1)) == "VALIDATION_FAILED"


async def test_after_a_rotation_mail_is_signed_with_the_new_keys_once_they_are_published(
    owner: Client, dns_server: DnsServer, dns_stack: Stack
) -> None:
    """F-11: there is always a signature that verifies by what stands in DNS."""
    domain = await owner.create("mail.rotating.example")
    publish(dns_server, domain)
    assert (await owner.verify(domain.id)).verified
    rotated = await owner.rotate(domain.id)
    old, new = (
        [r for r in rotated.dns_records if r.record == DKIM][:2],
        [r for r in rotated.dns_records if r.record == DKIM][2:],
    )
    assert [(r.status, r.name) for r in old] == [(VERIFIED, r.name) for r in domain.dns_records[1:3]]
    assert [r.status for r in new] == [PENDING, PENDING]

    async def signers() -> set[str]:
        email_id = await owner.send("a@mail.rotating.example")
        captured = await until(lambda: list(dns_stack.captured.glob(f"{email_id}.*.eml")))
        message = captured[0].read_bytes()
        return {r.name for r in (*old, *new) if f"s={r.name.partition('.')[0]};".encode() in message}

    assert (await owner.verify(domain.id)).verified
    assert await signers() == {r.name for r in old}
    publish(dns_server, rotated)
    found = await owner.verify(domain.id)
    assert found.verified
    assert [r.name for r in found.dns_records if r.record == DKIM] == [r.name for r in new]
    # Other processes, and this one, look at the keys again within seconds.
    await until(lambda: _only(signers, {r.name for r in new}))


async def _only(signers: Any, names: set[str]) -> bool:
    return await signers() == names


async def test_settings_of_a_domain_change_one_by_one(owner: Client) -> None:
    """Section D."""
    id = (await owner.create("mail.settings.example")).id
    changed = await owner.update(id, open_tracking=True)
    assert (changed.open_tracking, changed.click_tracking) == (True, False)
    assert changed.tls == domain_pb2.TLS_MODE_OPPORTUNISTIC
    changed = await owner.update(id, tls=domain_pb2.TLS_MODE_ENFORCED, click_tracking=True)
    assert (changed.open_tracking, changed.click_tracking) == (True, True)
    assert await owner.get(id) == changed
    assert await refusal_of(owner.update(id, tls=9)) == "VALIDATION_FAILED"


@pytest.mark.parametrize("id", ["x", "0" * 24])
async def test_update_of_an_unknown_domain_is_not_found(owner: Client, id: str) -> None:
    assert await refusal_of(owner.update(id)) == "DOMAIN_NOT_FOUND"
    assert await refusal_of(owner.rotate(id)) == "DOMAIN_NOT_FOUND"


async def test_update_of_another_organisations_domain_is_not_found(owner: Client, other: Client) -> None:
    """C-48."""
    id = (await owner.create("mail.mine.example")).id
    assert await refusal_of(other.update(id, open_tracking=True)) == "DOMAIN_NOT_FOUND"
    assert await refusal_of(other.rotate(id)) == "DOMAIN_NOT_FOUND"
    assert not (await owner.get(id)).open_tracking


async def test_domains_are_listed_after_an_id(other: Client) -> None:
    """Section D."""
    ids = [(await other.create(f"d{n}.listed.example")).id for n in range(3)]
    after = await other.list(limit=1, after=ids[2])
    assert ([domain.id for domain in after.data], after.has_more) == ([ids[1]], True)
    before = await other.list(before=ids[0])
    assert [domain.id for domain in before.data] == [ids[2], ids[1]]
    assert await refusal_of(other.list(after="x")) == "VALIDATION_FAILED"
