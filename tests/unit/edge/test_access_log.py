"""One line in the log for each request, and for each change of a probe's answer."""

import pytest
from grpc_health.v1 import health_pb2
from structlog.testing import capture_logs

from edge.settings import Settings
from tests.harness.rest import Rest
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_probe_is_logged_when_its_answer_changes(emails: EmailServer) -> None:
    with capture_logs() as lines:
        async with serve_edge(Settings(server=emails.target)) as url, Rest(url, "key") as rest:
            for status in (
                health_pb2.HealthCheckResponse.SERVING,
                health_pb2.HealthCheckResponse.NOT_SERVING,
                health_pb2.HealthCheckResponse.SERVING,
            ):
                await emails.health.set("", status)
                for _ in range(3):
                    await rest.get("/readyz")
    assert [line["status"] for line in lines if line.get("path") == "/readyz"] == [200, 503, 200]


async def test_each_other_request_is_logged(emails: EmailServer) -> None:
    with capture_logs() as lines:
        async with serve_edge(Settings(server=emails.target)) as url, Rest(url, "key") as rest:
            for _ in range(2):
                await rest.get("/v1/nothing")
    assert [line["status"] for line in lines if line["event"] == "request"] == [404, 404]
