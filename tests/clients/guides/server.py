"""The server that the guides call, with TLS or without."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.harness.certificates import throw_away
from tests.harness.stack import START_WITHIN_S, Stack, StackError


@dataclass(frozen=True)
class Server:
    """A running server as its callers know it: `target` is host:port, `certificate` the CA to trust.

    Without a certificate it speaks without TLS.
    """

    name: str
    target: str
    api_key: str
    domain: str
    certificate: Path | None

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        """A channel of Python's client, by which tests read what the server has."""
        if self.certificate is None:
            channel = grpc.insecure_channel(self.target)
        else:
            trust = grpc.ssl_channel_credentials(self.certificate.read_bytes())
            channel = grpc.secure_channel(self.target, trust)
        with channel:
            yield channel


class TlsStack(Stack):
    """The server alone, with TLS: the edge reaches its server without."""

    def __init__(self, data_dir: Path) -> None:
        files = throw_away()
        super().__init__(
            data_dir,
            env={
                "ZIDIMAIL_TLS_CERTIFICATE": str(files.certificate),
                "ZIDIMAIL_TLS_PRIVATE_KEY": str(files.private_key),
            },
        )

    def start_edge(self, env: object = None) -> None:
        """Starts nothing."""

    def wait_until_ready(self) -> None:
        """Waits until the health service says SERVING. Raises StackError."""
        with served(self, "tls").channel() as channel:
            health = health_pb2_grpc.HealthStub(channel)
            try:
                health.Check(health_pb2.HealthCheckRequest(), timeout=START_WITHIN_S, wait_for_ready=True)
            except grpc.RpcError as error:
                raise StackError(f"{error}\n{self.log_tails()}") from None


def served(stack: Stack, name: str) -> Server:
    """The server of a stack."""
    certificate = stack.env.get("ZIDIMAIL_TLS_CERTIFICATE")
    port = stack.grpc.rpartition(":")[2]
    return Server(
        name=name,
        target=f"localhost:{port}",
        api_key=stack.api_key,
        domain=stack.domain,
        certificate=Path(certificate) if certificate else None,
    )
