"""ApiKeyService."""

import json
from collections.abc import Mapping

from zidimail.v1 import access_pb2, api_key_pb2, api_key_service_pb2_grpc
from zidimail.v1 import api_key_service_pb2 as pb

from server.clock import Clock
from server.db.database import Database
from server.db.writer import Writer
from server.faults import DomainNotFound, ValidationFailed, Violation
from server.ids import is_id
from server.keys import store
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.faults import ApiKeyNotFound
from server.keys.mint import Style, mint, prefix_of
from server.keys.rules import address_bounds, check_name, domain_bounds
from server.permissions import PermissionName
from server.wire.access import PERMISSIONS
from server.wire.caller import current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request
from server.wire.timestamps import milliseconds, timestamp

_NAMES: dict[access_pb2.Permission, PermissionName] = {
    access_pb2.PERMISSION_UNSPECIFIED: "full",
    **{value: name for name, value in PERMISSIONS.items()},
}


_STYLES: Mapping[int, Style] = {
    api_key_pb2.API_KEY_STYLE_UNSPECIFIED: "zm",
    api_key_pb2.API_KEY_STYLE_ZM: "zm",
    api_key_pb2.API_KEY_STYLE_ZS: "zs",
}


class ApiKeyServicer(api_key_service_pb2_grpc.ApiKeyServiceServicer):
    """Creates, lists, renames and revokes API keys."""

    def __init__(
        self, database: Database, writer: Writer, clock: Clock, authenticator: ApiKeyAuthenticator
    ) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._authenticator = authenticator

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Context
    ) -> pb.CreateApiKeyResponse:
        """Creates a key and returns it, for the only time."""
        org_id, now = current_caller().org_id, self._clock.now_ms()
        name = check_name(request.name)
        permission = _NAMES.get(request.permission)
        if permission is None:
            raise ValidationFailed([Violation("permission", "must be full, send_only or read_only")])
        bounds = await self._bounds(org_id, request, now)
        if request.style not in _STYLES:
            raise ValidationFailed([Violation("style", "must be zm or zs")])
        key = mint("test" if request.test else _STYLES[request.style])
        await self._writer.run(store.create, org_id, key, name, permission, now, bounds)
        return pb.CreateApiKeyResponse(
            id=key.id,
            name=name,
            key=key.key,
            prefix=prefix_of(key.style, key.id),
            permission=PERMISSIONS[permission],
            created_at=timestamp(now),
            allowed_domains=bounds.allowed_domains,
            allowed_ips=bounds.allowed_ips,
            expires_at=None if bounds.expires_at is None else timestamp(bounds.expires_at),
            test=request.test,
        )

    async def _bounds(self, org_id: str, request: pb.CreateApiKeyRequest, now: int) -> store.Bounds:
        """The bounds of the new key. Raises `ValidationFailed`, `DomainNotFound`."""
        networks, violations = address_bounds(request.allowed_ips)
        expires_at = milliseconds(request.expires_at) if request.HasField("expires_at") else None
        if request.HasField("expires_at") and (expires_at is None or expires_at <= now):
            violations.append(Violation("expires_at", "must be in the future"))
        names: list[str] = []
        if request.allowed_domains or request.HasField("domain_id"):
            own = await self._database.read(store.domains_of, org_id)
            names, wrong = domain_bounds(request.allowed_domains, own.values())
            violations = [*wrong, *violations]
        if violations:
            raise ValidationFailed(violations)
        if request.HasField("domain_id"):
            if request.domain_id not in own:
                raise DomainNotFound(request.domain_id)
            names = list(dict.fromkeys([*names, own[request.domain_id]]))
        return store.Bounds(names, networks, expires_at)

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: Context) -> pb.ListApiKeysResponse:
        """A page of the keys that are not revoked, newest first."""
        wanted = page_request(request)
        page = await self._database.read(store.page, current_caller().org_id, wanted)
        return pb.ListApiKeysResponse(
            data=[_api_key(row) for row in page.rows],
            **page_fields(page, wanted),
        )

    async def UpdateApiKey(
        self, request: pb.UpdateApiKeyRequest, context: Context
    ) -> pb.UpdateApiKeyResponse:
        """Renames a key."""
        org_id, id = current_caller().org_id, request.id
        if not is_id(id):
            raise ApiKeyNotFound(id)
        name = check_name(request.name)
        row = await self._writer.run(store.rename, org_id, id, name)
        return pb.UpdateApiKeyResponse(api_key=_api_key(row))

    async def DeleteApiKey(
        self, request: pb.DeleteApiKeyRequest, context: Context
    ) -> pb.DeleteApiKeyResponse:
        """Revokes a key, here at once and in other processes within 5 seconds."""
        org_id, now = current_caller().org_id, self._clock.now_ms()
        if not is_id(request.id) or not await self._writer.run(store.revoke, org_id, request.id, now):
            raise ApiKeyNotFound(request.id)
        self._authenticator.forget(request.id)
        return pb.DeleteApiKeyResponse(id=request.id, deleted=True)


def _api_key(row: store.ListedKey) -> api_key_pb2.ApiKey:
    used_at = row.last_used_at
    if used_at is not None:
        # Uses are stored in whole minutes, which may begin before the key was created.
        used_at = max(used_at, row.created_at)
    return api_key_pb2.ApiKey(
        id=row.id,
        name=row.name,
        prefix=prefix_of(row.style, row.id),
        permission=PERMISSIONS[row.permission],
        created_at=timestamp(row.created_at),
        last_used_at=None if used_at is None else timestamp(used_at),
        allowed_domains=json.loads(row.allowed_domains),
        allowed_ips=json.loads(row.allowed_ips),
        expires_at=None if row.expires_at is None else timestamp(row.expires_at),
        test=row.style == "test",
    )
