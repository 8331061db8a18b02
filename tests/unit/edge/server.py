"""A gRPC server with the contract's EmailService, whose answers a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from zidimail.v1 import access_service_pb2, access_service_pb2_grpc, email_service_pb2_grpc
from zidimail.v1 import email_service_pb2 as pb

Context = grpc.aio.ServicerContext[Any, Any]


def status(reason: str, code: int = code_pb2.INVALID_ARGUMENT, **metadata: str) -> status_pb2.Status:
    """A status as the server of the contract makes it."""
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="zidimail", metadata=metadata))
    return status_pb2.Status(code=code, message="for people", details=[detail])


async def abort(context: Context, failure: status_pb2.Status) -> None:
    """Ends a call with a status."""
    code = next(code for code in grpc.StatusCode if code.value[0] == failure.code)
    details = (("grpc-status-details-bin", failure.SerializeToString()),)
    await context.abort(code, failure.message, details)


class Turnstile(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Looks at the credential before the message, as the server of the contract does."""

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        """Refuses `Bearer stranger`."""
        if dict(details.invocation_metadata or ()).get("authorization") != "Bearer stranger":
            return await continuation(details)

        async def refuse(request: bytes, context: Context) -> None:
            del request  # an aborted call keeps its frame
            await abort(context, status("INVALID_CREDENTIALS", code_pb2.UNAUTHENTICATED))

        return grpc.unary_unary_rpc_method_handler(refuse)


class Access(access_service_pb2_grpc.AccessServiceServicer):
    """Admits every caller that the turnstile lets through."""

    async def GetCaller(
        self, request: access_service_pb2.GetCallerRequest, context: Context
    ) -> access_service_pb2.GetCallerResponse:
        """Answers at once."""
        return access_service_pb2.GetCallerResponse()


class _Health(HealthServicer):
    """The health service, with the warnings of a server."""

    def __init__(self, server: EmailServer) -> None:
        super().__init__()
        self._server = server

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> Any:
        """Sends the warnings as the server of the contract does."""
        context.set_trailing_metadata([("zidimail-warning", text) for text in self._server.warnings])
        return await super().Check(request, context)


class EmailServer(email_service_pb2_grpc.EmailServiceServicer):
    """Takes every email; the id of its answer is the subject. Records what it was called with.

    `gate` holds calls back while it is cleared, `outcome` decides about an item, `refusal` about a call;
    the answer leaves out the first `left_out` items.
    """

    def __init__(self) -> None:
        self.health = _Health(self)
        # The warnings that its health service sends with its status.
        self.warnings: list[str] = []
        self.target = ""
        self.in_flight = 0
        self.forget()

    def forget(self) -> None:
        """Forgets all calls, and resets everything that tests set."""
        self.batches: list[pb.BatchSendEmailsRequest] = []
        self.alone: list[pb.SendEmailRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.seconds_left: list[float] = []
        self.most_in_flight = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.outcome: Callable[[pb.SendEmailRequest], pb.BatchSendResult] = sent
        self.refusal: status_pb2.Status | None = None
        self.left_out = 0
        self.replayed = False

    async def SendEmail(self, request: pb.SendEmailRequest, context: Context) -> pb.SendEmailResponse:
        """Answers at once."""
        self.alone.append(request)
        self.seconds_left.append(context.time_remaining())
        return self.outcome(request).sent

    async def BatchSendEmails(
        self, request: pb.BatchSendEmailsRequest, context: Context
    ) -> pb.BatchSendEmailsResponse:
        """Answers each item, once the gate is open."""
        self.batches.append(request)
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.seconds_left.append(context.time_remaining())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.refusal is not None:
            await abort(context, self.refusal)
        emails = request.emails[self.left_out :]
        return pb.BatchSendEmailsResponse(results=map(self.outcome, emails), replayed=self.replayed)

    @property
    def subjects(self) -> list[list[str]]:
        """The subjects of each call so far."""
        return [[email.subject for email in batch.emails] for batch in self.batches]

    async def serve(self, port: int = 0) -> tuple[grpc.aio.Server, str]:
        """Starts, on a free port if none is given; returns the server and its target."""
        server = grpc.aio.server(
            interceptors=[Turnstile()], options=[("grpc.max_receive_message_length", 64 << 20)]
        )
        email_service_pb2_grpc.add_EmailServiceServicer_to_server(self, server)
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(Access(), server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        return server, f"127.0.0.1:{port}"


def sent(email: pb.SendEmailRequest) -> pb.BatchSendResult:
    """The outcome of an accepted email."""
    return pb.BatchSendResult(sent=pb.SendEmailResponse(id=email.subject))
