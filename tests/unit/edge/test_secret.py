"""The secret of the edges: made once, by whichever program starts first (contract rows C-89, C-91)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge import secret
from server.kept_secret import kept_secret as kept_by_the_server

PROGRAMS = 16


def test_a_server_and_edges_that_start_at_once_agree(tmp_path: Path) -> None:
    for attempt in range(20):
        data_dir = tmp_path / str(attempt)
        data_dir.mkdir()
        start = threading.Barrier(PROGRAMS)

        def first_start(number: int, data_dir: Path = data_dir, start: threading.Barrier = start) -> str:
            start.wait()
            if number % 2:
                return secret.kept_secret(data_dir)
            return kept_by_the_server(data_dir / "edge-secret")

        with ThreadPoolExecutor(PROGRAMS) as threads:
            secrets = set(threads.map(first_start, range(PROGRAMS)))
        assert len(secrets) == 1
        secret.check_secret(secrets.pop())
        assert [path.name for path in data_dir.iterdir()] == ["edge-secret"]


def test_secret_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    secret.kept_secret(data_dir)
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "edge-secret").stat().st_mode & 0o777 == 0o600


def test_existing_secret_is_kept(tmp_path: Path) -> None:
    (tmp_path / "edge-secret").write_text("chosen by the operator\n")
    assert secret.kept_secret(tmp_path) == "chosen by the operator"
