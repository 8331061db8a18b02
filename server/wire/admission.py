"""The caller, the edge and the client addresses of a call, from its metadata (contract rows F-7, C-91)."""

import hmac
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import structlog

from server.wire.address import client_addresses, peer_address
from server.wire.caller import Authenticator, Caller, InternalCaller, KeyCaller
from server.wire.faults import (
    AddressNotAllowed,
    EdgeNotRecognised,
    InvalidCredentials,
    MissingCredentials,
    SeveralCredentials,
)
from server.wire.sign_in_limit import SignInLimit

CREDENTIAL_KEY = "authorization"
# The secret that an edge sends to authenticate itself.
EDGE_KEY = "x-zidimail-edge"
# Trusted from edges only: the addresses of the clients for which they call, and the ids of their requests.
CLIENT_KEY = "x-client-ip"
REQUEST_IDS_KEY = "x-request-ids"
# Of the metadata, all that decides who the caller is.
CALLER_KEYS = (CREDENTIAL_KEY, EDGE_KEY, CLIENT_KEY)
MAX_REQUEST_IDS = 100  # as many as a batch has sends
_MAX_REQUEST_ID_LENGTH = 128

Metadata = Mapping[str, Sequence[str]]
"""The values of each key, in order."""

_log = structlog.get_logger()


class Admission:
    """Authenticates callers, and edges: by `edge_secret`, or by a certificate for one of `edge_names`.

    Without both there are no edges. `sign_in_limit` counts the calls that sign people in; None for none.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        edge_secret: str,
        edge_names: Collection[str] = (),
        sign_in_limit: SignInLimit | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._edge_names = frozenset(name.encode() for name in edge_names)
        self._edge_secret = edge_secret.encode()
        self._sign_in_limit = sign_in_limit

    def is_edge(self, metadata: Metadata, certified: Callable[[], Iterable[bytes] | None]) -> bool:
        """True if the call comes from an authenticated edge; its address does not matter.

        `certified` returns the names in the certificate of the peer, None if it showed none. Raises
        `EdgeNotRecognised` for a wrong secret: a wrong setting, or an attack.
        """
        given = metadata.get(EDGE_KEY)
        if not given:
            return bool(self._edge_names) and not self._edge_names.isdisjoint(certified() or ())
        if len(given) > 1 or not self._is_secret(given[0]):
            _log.warning("an edge has another ZIDIMAIL_EDGE_SECRET than this server")
            raise EdgeNotRecognised
        return True

    def count_sign_in(self, peer: str) -> None:
        """Counts a call that signs people in, by a peer that is no edge. Raises `TooManyRequests`."""
        if self._sign_in_limit is not None:
            self._sign_in_limit.count(peer_address(peer))

    async def caller(self, metadata: Metadata) -> Caller:
        """The caller of the credential in the metadata.

        Raises `MissingCredentials`, `SeveralCredentials`, `InvalidCredentials`.
        """
        given = metadata.get(CREDENTIAL_KEY, ())
        if len(given) > 1:
            raise SeveralCredentials
        scheme, _, token = given[0].strip().partition(" ") if given else ("", "", "")
        token = token.strip()
        if not token:
            raise MissingCredentials
        match scheme.lower():
            case "bearer":
                return await self._authenticator.authenticate(token)
            case "internal":
                if not self._is_secret(token):
                    raise InvalidCredentials
                return InternalCaller()
        raise MissingCredentials

    def _is_secret(self, given: str) -> bool:
        secret = self._edge_secret
        return bool(secret) and hmac.compare_digest(given.encode(errors="replace"), secret)


def check_addresses(caller: Caller, metadata: Metadata, peer: Callable[[], str], *, is_edge: bool) -> None:
    """Raises `AddressNotAllowed` if the caller's key may not be used from the client's address.

    A call of an edge may be for several clients: all of them must be in the key's networks. Whoever names
    clients and is no edge, such as an edge that is set up wrongly, has an unknown address: its own must not
    stand in for theirs (C-91). `peer` returns the peer of the connection in gRPC's form.
    """
    if not isinstance(caller, KeyCaller) or not caller.allowed_networks:
        return
    if is_edge:
        addresses = client_addresses(metadata.get(CLIENT_KEY, ()))
    else:
        addresses = [None if CLIENT_KEY in metadata else peer_address(peer())]
    for address in addresses:
        if address is None or not any(address in network for network in caller.allowed_networks):
            raise AddressNotAllowed(str(address or "an unknown address"))


def client_address(metadata: Metadata, peer: str, *, is_edge: bool) -> str:
    """The address of the client of a call; empty if it is unknown or an edge calls for several.

    `peer` is that of the connection in gRPC's form: what others than an edge say is not believed (C-91).
    """
    found = client_addresses(metadata.get(CLIENT_KEY, ())) if is_edge else [peer_address(peer)]
    return str(found[0]) if len(found) == 1 and found[0] is not None else ""


def request_ids(metadata: Metadata) -> list[str]:
    """The ids of the requests that an edge joined into one call: at most 100 of at most 128 characters."""
    ids = [part.strip() for text in metadata.get(REQUEST_IDS_KEY, ()) for part in text.split(",")]
    return [id for id in ids if 0 < len(id) <= _MAX_REQUEST_ID_LENGTH][:MAX_REQUEST_IDS]


def by_key(pairs: Iterable[tuple[str, str | bytes]]) -> Metadata:
    """The metadata of a call by key, from gRPC's pairs, in which a key may occur several times."""
    metadata: dict[str, list[str]] = {}
    for key, value in pairs:
        text = value if isinstance(value, str) else value.decode("latin-1")
        metadata.setdefault(key, []).append(text)
    return metadata
