"""AccessService: the caller of a credential, and the calls that it may make."""

from collections.abc import Mapping

from zidimail.v1 import access_service_pb2 as pb
from zidimail.v1 import access_service_pb2_grpc

from server.accounts import store
from server.db.database import Database
from server.faults import ValidationFailed, Violation
from server.wire.access import CREDENTIALS, PERMISSIONS, ROLES, AccessRule
from server.wire.caller import Caller, KeyCaller, SessionCaller, any_caller
from server.wire.interceptors import Context
from server.wire.sizes import raw_limit
from server.wire.timestamps import timestamp


class AccessServicer(access_service_pb2_grpc.AccessServiceServicer):
    """Checks with the rules that the interceptors apply; `rules` is keyed by full method path."""

    def __init__(self, rules: Mapping[str, AccessRule], database: Database) -> None:
        self._rules = rules
        self._database = database

    async def GetCaller(self, request: pb.GetCallerRequest, context: Context) -> pb.GetCallerResponse:
        """The caller, if it may call the named method.

        The interceptors have checked its credential and its address, as for every method.
        """
        caller = any_caller()
        if request.method:
            rule = self._rules.get(request.method)
            if rule is None:
                raise ValidationFailed(
                    [Violation("method", "must be a method such as /zidimail.v1.EmailService/SendEmail")]
                )
            rule.check(caller)
        response = _response(caller)
        if isinstance(caller, KeyCaller | SessionCaller):
            plan = await self._database.read(store.plan_of, caller.org_id)
            if plan is not None:
                response.smtp = plan.smtp
                response.message_bytes = raw_limit(plan.attachment_bytes)
                response.sandbox = plan.sandbox
        return response


def _response(caller: Caller) -> pb.GetCallerResponse:
    response = pb.GetCallerResponse(credential=CREDENTIALS[caller.credential])
    if isinstance(caller, KeyCaller | SessionCaller):
        response.org_id = caller.org_id
        if caller.expires_at_ms is not None:
            response.expires_at.CopyFrom(timestamp(caller.expires_at_ms))
    if isinstance(caller, KeyCaller):
        response.key_id = caller.key_id
        response.permission = PERMISSIONS[caller.permission]
        response.allowed_domains.extend(sorted(caller.allowed_domains))
        response.bound_to_networks = bool(caller.allowed_networks)
        response.test = caller.test
    elif isinstance(caller, SessionCaller):
        response.user_id = caller.user_id
        response.role = ROLES[caller.role]
        response.is_operator = caller.is_operator
    return response
