"""Processes of different installations stay apart: by the lock of SQLite, and by both secrets."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.harness.stack import Stack, StackError, free_port


def test_an_sqlite_store_belongs_to_one_process(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.env |= {"ZIDIMAIL_GRPC_LISTEN": f"127.0.0.1:{free_port()}", "ZIDIMAIL_METRICS_LISTEN": "off"}
        for command in (["migrate"], ["organisation", stack.org_id], ["serve"]):
            with pytest.raises(StackError, match="Another process has the store"):
                stack.run("server", *command)
        stack.kill_server()
        stack.run("server", "organisation", stack.org_id)


def test_process_with_another_secret_refuses_to_start_and_says_why(tmp_path: Path, postgres_url: str) -> None:
    with Stack(tmp_path, database_url=postgres_url) as stack:
        stack.env |= {"ZIDIMAIL_GRPC_LISTEN": f"127.0.0.1:{free_port()}", "ZIDIMAIL_METRICS_LISTEN": "off"}
        stack.env |= {"ZIDIMAIL_SECRET": "another" * 5}
        with pytest.raises(StackError, match="ZIDIMAIL_SECRET"):
            stack.run("server", "worker")
        with pytest.raises(StackError, match="ZIDIMAIL_SECRET"):
            stack.bootstrap_org("third@example.com", "third.example.com")


def test_edge_with_another_secret_answers_503_and_logs_why(tmp_path: Path) -> None:
    """C-91, C-66: 503, because it is no customer's mistake."""
    with Stack(tmp_path) as stack:
        stack.kill_edge()
        stack.start_edge({"ZIDIMAIL_EDGE_SECRET": "another" * 5})
        request = urllib.request.Request(
            f"{stack.http}/v1/emails", headers={"Authorization": f"Bearer {stack.api_key}"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"]
            json.loads(answer.read())
        assert "another ZIDIMAIL_EDGE_SECRET" in stack.log_tails()
        assert stack.edge_secret not in stack.log_tails()
