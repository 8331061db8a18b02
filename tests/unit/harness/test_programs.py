"""A program that is a fork behaves as one that was started by itself."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.harness import programs
from tests.harness.stack import free_port


@pytest.fixture(autouse=True, params=["fork", "start"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are forks, or are started by themselves."""
    monkeypatch.setattr(programs, "_may_fork", request.param == "fork")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The settings of a program in a folder of its own."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("ZIDIMAIL_")}
    return others | {"ZIDIMAIL_DATA_DIR": str(tmp_path), "ZIDIMAIL_HTTP_LISTEN": f"127.0.0.1:{free_port()}"}


def test_arguments_and_settings_are_its_own(env: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "failpoints"
    done = programs.run("server", "migrate", env=env | {"ZIDIMAIL_MX_PORT": "0"})
    assert (done.returncode, done.stdout, log.exists()) == (1, "", False)
    assert "ZIDIMAIL_MX_PORT" in done.stderr
    done = programs.run("server", "migrate", "--help", env=env | {"ZIDIMAIL_FAILPOINTS_LOG": str(log)})
    assert (done.returncode, done.stderr, log.exists()) == (0, "", True)
    assert "usage: python -m server migrate" in done.stdout


def test_end_is_seen(env: dict[str, str], tmp_path: Path) -> None:
    running, ended = (
        programs.start("edge", env=env | settings, output=tmp_path / name)
        for name, settings in {"running": {}, "ended": {"ZIDIMAIL_HTTP_DEADLINE": "soon"}}.items()
    )
    assert ended.wait(60) == 1
    assert ended.returncode == 1
    # It is no process any more.
    ended.kill()
    assert "ZIDIMAIL_HTTP_DEADLINE" in (tmp_path / "ended").read_text()
    assert running.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(0.01)
    running.kill()
    assert running.wait(60) == -9
