"""The caller of a call, its edge and its client address (contract rows Z-1, F-7, C-91)."""

from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from server.faults import Unavailable
from server.wire.admission import (
    MAX_REQUEST_IDS,
    Admission,
    by_key,
    check_addresses,
    client_address,
    request_ids,
)
from server.wire.caller import Caller, InternalCaller, KeyCaller, OperatorCaller, SessionCaller
from server.wire.faults import (
    AddressNotAllowed,
    EdgeNotRecognised,
    InvalidCredentials,
    MissingCredentials,
    SeveralCredentials,
)

SECRET = "edge secret of this installation".replace(" ", "-")
KEY = KeyCaller("org", "key", "full")


class OneKey:
    """Knows one token."""

    known = "good"

    async def authenticate(self, token: str) -> KeyCaller | SessionCaller | OperatorCaller:
        if token != self.known:
            raise InvalidCredentials
        return KEY


@pytest.fixture
def admission() -> Admission:
    return Admission(OneKey(), SECRET)


# The credential.


async def caller(admission: Admission, *authorizations: str | bytes) -> Caller:
    return await admission.caller(by_key(("authorization", value) for value in authorizations))


@pytest.mark.parametrize("text", ["Bearer good", "bearer good", "  BEARER   good ", b"Bearer good"])
async def test_bearer_token_is_read(admission: Admission, text: str | bytes) -> None:
    assert await caller(admission, text) == KEY


@pytest.mark.parametrize("text", ["", "Bearer", "Bearer ", "Basic YTpi", "good", "Internal", SECRET])
async def test_malformed_credential_counts_as_none(admission: Admission, text: str) -> None:
    with pytest.raises(MissingCredentials):
        await caller(admission, text)


async def test_a_call_without_a_credential_is_refused(admission: Admission) -> None:
    with pytest.raises(MissingCredentials):
        await caller(admission)


@pytest.mark.parametrize("second", ["Bearer good", "Bearer another", f"Internal {SECRET}", ""])
async def test_two_credentials_on_one_call_are_refused(admission: Admission, second: str) -> None:
    """C-91: even if they are the same."""
    with pytest.raises(SeveralCredentials) as refused:
        await caller(admission, "Bearer good", second)
    assert refused.value.reason == "INVALID_CREDENTIALS"


async def test_the_secret_of_the_installation_makes_an_internal_caller(admission: Admission) -> None:
    assert await caller(admission, f"Internal {SECRET}") == InternalCaller()


@pytest.mark.parametrize("secret", [SECRET[:-1], SECRET + "x", SECRET.upper(), "ä", "good"])
async def test_another_secret_makes_no_internal_caller(admission: Admission, secret: str) -> None:
    with pytest.raises(InvalidCredentials):
        await caller(admission, f"Internal {secret}")


async def test_edge_secret_is_not_a_bearer_token(admission: Admission) -> None:
    with pytest.raises(InvalidCredentials):
        await caller(admission, f"Bearer {SECRET}")


async def test_an_edge_that_forwards_a_call_without_a_credential_is_no_internal_caller(
    admission: Admission,
) -> None:
    """An edge acts with its own authority on purpose only, never because a client sent nothing."""
    with pytest.raises(MissingCredentials):
        await admission.caller({"x-zidimail-edge": [SECRET]})


# The edge.


def no_certificate() -> None:
    """The names of a peer that showed no certificate."""


@pytest.mark.parametrize(
    ("names", "is_edge"),
    [([b"localhost", b"edge.test"], True), ([b"client.test"], False), ([], False), (None, False)],
)
def test_an_edge_proves_itself_by_a_certificate_with_its_name(
    names: list[bytes] | None, is_edge: bool
) -> None:
    """C-91: a client that the same CA has signed is no edge."""
    admission = Admission(OneKey(), "", ["edge.test"])
    assert admission.is_edge({}, lambda: names) is is_edge


def test_a_certificate_makes_no_edge_where_none_is_named(admission: Admission) -> None:
    assert not admission.is_edge({}, lambda: [b"edge.test"])


def test_an_edge_proves_itself_by_the_secret(admission: Admission) -> None:
    assert admission.is_edge({"x-zidimail-edge": [SECRET]}, no_certificate)
    assert not admission.is_edge(
        {"authorization": ["Bearer good"], "x-client-ip": ["192.0.2.1"]}, no_certificate
    )


@pytest.mark.parametrize("given", [[""], [SECRET[:-1]], ["ä"], [SECRET, SECRET], ["guess", SECRET]])
def test_an_edge_with_another_secret_is_refused_as_an_outage(admission: Admission, given: list[str]) -> None:
    """C-66: a wrong set-up is no customer's mistake. The log names the setting and shows no secret."""
    with capture_logs() as logs, pytest.raises(EdgeNotRecognised) as refused:
        admission.is_edge({"x-zidimail-edge": given}, no_certificate)
    assert isinstance(refused.value, Unavailable)
    assert "ZIDIMAIL_EDGE_SECRET" in refused.value.message
    assert ["ZIDIMAIL_EDGE_SECRET" in log["event"] for log in logs] == [True]
    assert not any(value in repr(logs) for value in given if value)


@pytest.mark.parametrize("given", ["", "anything"])
async def test_without_a_secret_there_are_no_edges_and_no_internal_callers(given: str) -> None:
    admission = Admission(OneKey(), "")
    with pytest.raises(EdgeNotRecognised):
        admission.is_edge({"x-zidimail-edge": [given]}, no_certificate)
    with pytest.raises((InvalidCredentials, MissingCredentials)):
        await caller(admission, f"Internal {given}")


def test_an_admission_does_not_show_the_secret(admission: Admission) -> None:
    assert SECRET not in repr(admission)


# The address.

BOUND = KeyCaller("org", "key", "full", allowed_networks=(ip_network("192.0.2.0/24"), ip_network("::1")))


def is_allowed(caller: Caller, peer: str, *clients: str, is_edge: bool) -> bool:
    metadata = by_key(("x-client-ip", client) for client in clients)
    try:
        check_addresses(caller, metadata, lambda: peer, is_edge=is_edge)
    except AddressNotAllowed:
        return False
    return True


@pytest.mark.parametrize("peer", ["ipv4:192.0.2.7:5", "ipv6:[::1]:5"])
def test_a_bound_key_may_be_used_from_its_networks(peer: str) -> None:
    assert is_allowed(BOUND, peer, is_edge=False)


@pytest.mark.parametrize("peer", ["ipv4:198.51.100.1:5", "ipv4:127.0.0.1:5", "unix:/s", "vsock:3:5", ""])
def test_a_bound_key_may_not_be_used_from_elsewhere(peer: str) -> None:
    assert not is_allowed(BOUND, peer, is_edge=False)


@pytest.mark.parametrize("peer", ["ipv4:127.0.0.1:5", "ipv6:[::2]:5", "unix:/s", "ipv4:10.0.0.1:5"])
def test_client_ip_of_a_caller_without_the_edge_secret_is_ignored(peer: str) -> None:
    """C-91: not even on the same machine."""
    assert not is_allowed(BOUND, peer, "192.0.2.7", is_edge=False)


@pytest.mark.parametrize("said", ["192.0.2.7", "198.51.100.1", "unknown", ""])
def test_own_address_of_an_edge_that_proved_nothing_does_not_count(said: str) -> None:
    """C-91: its certificate has another name, for example. Without the entry it is a caller like others."""
    assert not is_allowed(BOUND, "ipv4:192.0.2.7:5", said, is_edge=False)
    assert is_allowed(BOUND, "ipv4:192.0.2.7:5", is_edge=False)


def test_edge_call_is_checked_by_client_address() -> None:
    assert is_allowed(BOUND, "ipv4:198.51.100.1:5", "192.0.2.7", is_edge=True)
    assert not is_allowed(BOUND, "ipv4:192.0.2.7:5", "198.51.100.1", is_edge=True)


def test_all_clients_of_a_shared_call_must_be_allowed() -> None:
    assert is_allowed(BOUND, "ipv4:198.51.100.1:5", "192.0.2.7,192.0.2.8,::1", is_edge=True)
    for clients in ("192.0.2.7,198.51.100.1", "198.51.100.1,192.0.2.7", "192.0.2.7,unknown", "192.0.2.7,"):
        assert not is_allowed(BOUND, "ipv4:192.0.2.1:5", clients, is_edge=True)
    assert not is_allowed(BOUND, "ipv4:192.0.2.1:5", "192.0.2.7", "198.51.100.1", is_edge=True)


@pytest.mark.parametrize("clients", [(), ("unknown",), ("",), ("localhost",)])
def test_an_unknown_client_is_refused_by_a_bound_key(clients: tuple[str, ...]) -> None:
    """C-91: the edge's own address never stands in for it."""
    assert not is_allowed(BOUND, "ipv4:192.0.2.7:5", *clients, is_edge=True)


@pytest.mark.parametrize(("said", "recorded"), [("192.0.2.7", "192.0.2.7"), ("192.0.2.7,192.0.2.8", "")])
def test_records_have_the_address_that_an_edge_says(said: str, recorded: str) -> None:
    assert client_address({"x-client-ip": [said]}, "ipv4:10.0.0.1:5", is_edge=True) == recorded


@pytest.mark.parametrize("metadata", [{}, {"x-client-ip": ["192.0.2.7"]}])
def test_records_have_the_address_of_the_connection_if_it_is_no_edges(
    metadata: dict[str, list[str]],
) -> None:
    """C-91: a caller cannot write another address into the audit log."""
    assert client_address(metadata, "ipv4:198.51.100.1:5", is_edge=False) == "198.51.100.1"


def test_a_refusal_names_the_address() -> None:
    metadata = {"x-client-ip": ["192.0.2.7,198.51.100.1"]}
    with pytest.raises(AddressNotAllowed) as refused:
        check_addresses(BOUND, metadata, str, is_edge=True)
    assert refused.value.metadata == {"address": "198.51.100.1"}
    with pytest.raises(AddressNotAllowed) as refused:
        check_addresses(BOUND, {}, str, is_edge=True)
    assert refused.value.metadata == {"address": "an unknown address"}


@pytest.mark.parametrize(
    "caller", [KEY, SessionCaller("org", "user", "owner", 0), OperatorCaller("token"), InternalCaller()]
)
def test_unbound_key_may_be_used_from_everywhere(caller: Caller) -> None:
    assert is_allowed(caller, "vsock:3:5", is_edge=False)
    assert is_allowed(caller, "ipv4:198.51.100.1:5", "unknown", is_edge=True)


# The requests of a shared call.


def test_the_ids_of_joined_requests_are_read() -> None:
    assert request_ids({"x-request-ids": ["a,b, c", "d"]}) == ["a", "b", "c", "d"]
    assert request_ids({"x-request-id": ["a"]}) == []


def test_the_ids_of_joined_requests_are_bounded() -> None:
    many = ",".join(map(str, range(MAX_REQUEST_IDS + 1)))
    assert request_ids({"x-request-ids": [many]}) == list(map(str, range(MAX_REQUEST_IDS)))
    assert request_ids({"x-request-ids": [f"a,,{'x' * 128},{'x' * 129},b"]}) == ["a", "x" * 128, "b"]


def test_values_come_in_order_and_as_text() -> None:
    assert by_key([("a", "1"), ("b", "2"), ("a", b"3\xff")]) == {"a": ["1", "3ÿ"], "b": ["2"]}
