"""A tool that knows nothing of the contract sends a mail: `buf curl` asks the server by reflection v1."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import zidimail.v1
from google.rpc import error_details_pb2

from server.wire.registration import services_of
from tests.harness.stack import Stack

BUF = str(Path(sys.executable).parent / "buf")


def buf_curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs `buf curl` by gRPC, with reflection of version 1 only."""
    command = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect-protocol", "grpc-v1"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)


def call(stack: Stack, method: str, **fields: Any) -> subprocess.CompletedProcess[str]:
    """Calls a method of EmailService as the owner; the fields of the request are JSON."""
    return buf_curl(
        "--header",
        f"authorization: Bearer {stack.api_key}",
        "--data",
        json.dumps(fields),
        f"http://{stack.grpc}/zidimail.v1.EmailService/{method}",
    )


def an_email(stack: Stack) -> dict[str, Any]:
    return {"from": f"a@{stack.domain}", "to": ["you@example.org"], "subject": "By buf", "text": "x"}


def test_an_email_with_a_header_is_sent_and_read_back(stack: Stack) -> None:
    sent = call(stack, "SendEmail", **an_email(stack), headers={"X-Order": "17"})
    assert sent.returncode == 0, sent.stderr
    read = call(stack, "GetEmail", id=json.loads(sent.stdout)["id"])
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["email"]["headers"] == {"X-Order": "17"}


def test_a_refused_email_shows_the_reason_and_the_field(stack: Stack) -> None:
    refused = call(stack, "SendEmail", **an_email(stack), headers={"Received": "from elsewhere"})
    assert refused.returncode == grpc.StatusCode.INVALID_ARGUMENT.value[0] << 3
    error = json.loads(refused.stderr)
    assert error["code"] == "invalid_argument"
    details = {detail["type"]: base64.b64decode(detail["value"] + "==") for detail in error["details"]}
    info = error_details_pb2.ErrorInfo.FromString(details["google.rpc.ErrorInfo"])
    assert (info.domain, info.reason) == ("zidimail", "VALIDATION_FAILED")
    wrong = error_details_pb2.BadRequest.FromString(details["google.rpc.BadRequest"])
    assert [violation.field for violation in wrong.field_violations] == ["headers.Received"]


def test_the_methods_of_every_service_are_listed(stack: Stack) -> None:
    listed = buf_curl("--list-methods", f"http://{stack.grpc}")
    assert listed.returncode == 0, listed.stderr
    ours = {
        f"{service.full_name}/{method.name}"
        for service in services_of(zidimail.v1)
        for method in service.methods
    }
    health = "grpc.health.v1.Health/Check"
    reflection = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    assert set(listed.stdout.split()) >= ours | {health, reflection}
