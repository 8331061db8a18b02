"""What keeps two processes from spoiling one store: the lock of SQLite, the secret of the installation."""

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


def test_a_process_with_another_secret_is_told_so(tmp_path: Path, postgres_url: str) -> None:
    with Stack(tmp_path, database_url=postgres_url) as stack:
        stack.env |= {"ZIDIMAIL_GRPC_LISTEN": f"127.0.0.1:{free_port()}", "ZIDIMAIL_METRICS_LISTEN": "off"}
        stack.env |= {"ZIDIMAIL_SECRET": "another"}
        with pytest.raises(StackError, match="ZIDIMAIL_SECRET"):
            stack.run("server", "worker")
        with pytest.raises(StackError, match="ZIDIMAIL_SECRET"):
            stack.bootstrap_org("third@example.com", "third.example.com")
