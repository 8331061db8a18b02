"""A Node client that loads `protos/` with @grpc/proto-loader sends a mail and follows it."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import google.api

from tests.harness.stack import ROOT, Stack

SOURCES = Path(__file__).parent / "node"
RUN_WITHIN_S = 40


async def test_a_node_client_needs_only_the_protos(stack: Stack, node_modules: Path) -> None:
    third_party = Path(next(iter(google.api.__path__))).parents[1]
    process = await asyncio.create_subprocess_exec(
        *("node", str(SOURCES / "send.js"), stack.grpc, stack.api_key, f"Node <node@{stack.domain}>"),
        *(str(ROOT / "protos"), str(third_party)),
        env=os.environ | {"NODE_PATH": str(node_modules)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(RUN_WITHIN_S):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    printed = json.loads(out)
    assert printed["status"] == "EMAIL_STATUS_DELIVERED"
    assert printed["events"] == ["EVENT_TYPE_EMAIL_SENT", "EVENT_TYPE_EMAIL_DELIVERED"]
    assert printed["headers"] == {"X-Own": "1"}
    assert printed["refusal"] == "INVALID_ARGUMENT"
