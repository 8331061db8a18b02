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
from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1 import email_service_pb2_grpc

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


class EmailServer(email_service_pb2_grpc.EmailServiceServicer):
    """Takes every email; the id of its answer is the subject. Records what it was called with.

    `gate` holds calls back while it is cleared, `outcome` decides about an item, `refusal` about a call.
    """

    def __init__(self) -> None:
        self.batches: list[pb.BatchSendEmailsRequest] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.outcome: Callable[[pb.SendEmailRequest], pb.BatchSendResult] = sent
        self.refusal: status_pb2.Status | None = None
        self.health = HealthServicer()
        self.target = ""

    async def BatchSendEmails(
        self, request: pb.BatchSendEmailsRequest, context: Context
    ) -> pb.BatchSendEmailsResponse:
        """Answers each item, once the gate is open."""
        self.batches.append(request)
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.refusal is not None:
            await abort(context, self.refusal)
        return pb.BatchSendEmailsResponse(results=map(self.outcome, request.emails))

    @property
    def subjects(self) -> list[list[str]]:
        """The subjects of each call so far."""
        return [[email.subject for email in batch.emails] for batch in self.batches]

    async def serve(self) -> tuple[grpc.aio.Server, str]:
        """Starts on a free port; returns the server and its target."""
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", 64 << 20)])
        email_service_pb2_grpc.add_EmailServiceServicer_to_server(self, server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        await self.health.set("", health_pb2.HealthCheckResponse.SERVING)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, f"127.0.0.1:{port}"


def sent(email: pb.SendEmailRequest) -> pb.BatchSendResult:
    """The outcome of an accepted email."""
    return pb.BatchSendResult(sent=pb.SendEmailResponse(id=email.subject))
