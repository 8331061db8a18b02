"""ApiKeyService."""

from typing import Any, cast

import grpc
from zidimail.v1 import access_pb2, api_key_pb2, api_key_service_pb2_grpc
from zidimail.v1 import api_key_service_pb2 as pb

from server.clock import Clock
from server.db.engine import Database
from server.db.writer import Writer
from server.faults import ApiKeyNotFound, ValidationFailed, Violation
from server.ids import is_id
from server.keys import store
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.mint import mint, prefix_of
from server.keys.rules import check_name
from server.wire.caller import PermissionName, current_caller
from server.wire.paging import page_of
from server.wire.timestamps import timestamp

Context = grpc.aio.ServicerContext[Any, Any]

_NAMES: dict[access_pb2.Permission, PermissionName] = {
    access_pb2.PERMISSION_UNSPECIFIED: "full",
    access_pb2.PERMISSION_FULL: "full",
    access_pb2.PERMISSION_SEND_ONLY: "send_only",
    access_pb2.PERMISSION_READ_ONLY: "read_only",
}
_PERMISSIONS = {name: value for value, name in _NAMES.items()}


class ApiKeyServicer(api_key_service_pb2_grpc.ApiKeyServiceServicer):
    """Creates, lists and revokes API keys."""

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
        """Makes a key and shows it, this once."""
        caller = current_caller()
        name = check_name(request.name)
        permission = _NAMES.get(request.permission)
        if permission is None:
            raise ValidationFailed([Violation("permission", "must be full, send_only or read_only")])
        key, now = mint(), self._clock.now_ms()
        await self._writer.run(
            lambda connection: store.add(connection, caller.org_id, key, name, permission, now)
        )
        return pb.CreateApiKeyResponse(
            id=key.id,
            name=name,
            key=key.key,
            prefix=prefix_of(key.style, key.id),
            permission=_PERMISSIONS[permission],
            created_at=timestamp(now),
        )

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: Context) -> pb.ListApiKeysResponse:
        """A page of the keys that are not revoked, newest first."""
        page = page_of(
            request.limit if request.HasField("limit") else None,
            request.page if request.HasField("page") else None,
        )
        async with self._database.read() as connection:
            rows, total = await store.page_of_keys(connection, current_caller().org_id, page)
        return pb.ListApiKeysResponse(
            data=[_api_key(row) for row in rows],
            has_more=page.offset + len(rows) < total,
            total=total,
            page=page.number,
            limit=page.limit,
        )

    async def DeleteApiKey(
        self, request: pb.DeleteApiKeyRequest, context: Context
    ) -> pb.DeleteApiKeyResponse:
        """Revokes a key, here at once and in other processes within 5 seconds."""
        org_id, now = current_caller().org_id, self._clock.now_ms()
        if not is_id(request.id) or not await self._writer.run(
            lambda connection: store.revoke(connection, org_id, request.id, now)
        ):
            raise ApiKeyNotFound(request.id)
        self._authenticator.forget(request.id)
        return pb.DeleteApiKeyResponse(id=request.id, deleted=True)


def _api_key(row: store.KeyRow) -> api_key_pb2.ApiKey:
    key = api_key_pb2.ApiKey(
        id=row.id,
        name=row.name,
        prefix=prefix_of(row.style, row.id),
        permission=_PERMISSIONS[cast(PermissionName, row.permission)],
        created_at=timestamp(row.created_at),
    )
    if row.last_used_at is not None:
        key.last_used_at.CopyFrom(timestamp(row.last_used_at))
    return key
