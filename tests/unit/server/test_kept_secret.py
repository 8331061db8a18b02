"""Secrets that are made once and kept (contract row C-89)."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.kept_secret import kept_secret

PROCESSES = 16


def test_first_starts_agree(tmp_path: Path) -> None:
    for attempt in range(20):
        directory = tmp_path / str(attempt)
        directory.mkdir()
        start = threading.Barrier(PROCESSES)

        def first_start(_: int, path: Path = directory / "secret", start: threading.Barrier = start) -> str:
            start.wait()
            return kept_secret(path)

        with ThreadPoolExecutor(PROCESSES) as threads:
            secrets = set(threads.map(first_start, range(PROCESSES)))
        assert len(secrets) == 1
        assert len(secrets.pop().encode()) >= 32
        assert [path.name for path in directory.iterdir()] == ["secret"]


def test_secret_file_is_written_atomically(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies while it writes leaves no secret behind, not half of one."""

    def power_cut(descriptor: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        kept_secret(tmp_path / "secret")
    assert list(tmp_path.iterdir()) == []


def test_secret_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    kept_secret(tmp_path / "secret")
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_secret_is_kept(tmp_path: Path) -> None:
    assert kept_secret(tmp_path / "secret") == kept_secret(tmp_path / "secret")
    assert kept_secret(tmp_path / "secret") != kept_secret(tmp_path / "another")
