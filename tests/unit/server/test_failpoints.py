"""Failpoints act only as the environment sets them."""

import subprocess
import sys
from pathlib import Path

import pytest

from server.failpoints import FailpointReached, Failpoints
from tests.harness.stack import ROOT


def test_without_the_variables_nothing_is_active() -> None:
    assert not Failpoints({}).active


def test_a_point_raises_on_the_named_hit_only() -> None:
    points = Failpoints({"ZIDIMAIL_FAILPOINTS": "a=raise@2, b=early"})
    points.hit("a")
    points.hit("c")
    with pytest.raises(FailpointReached, match="a"):
        points.hit("a")
    points.hit("a")


def test_custom_mode_does_not_act_by_itself() -> None:
    points = Failpoints({"ZIDIMAIL_FAILPOINTS": "b=early"})
    points.hit("b")
    assert points.enabled("b")
    assert not points.enabled("a")


def test_probability_of_zero_never_acts() -> None:
    points = Failpoints({"ZIDIMAIL_FAILPOINTS": "a=raise%0.0"})
    for _ in range(100):
        points.hit("a")
    assert points.enabled("a")


def test_the_log_names_each_point_once_and_each_that_acted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    points = Failpoints({"ZIDIMAIL_FAILPOINTS": "a=sleep:0@3", "ZIDIMAIL_FAILPOINTS_LOG": str(log)})
    for name in ("a", "b", "a", "b", "a", "a"):
        points.hit(name)
    assert log.read_text().split() == ["a", "b", "a"]


def test_kill_ends_the_process_at_once_and_leaves_its_line_in_the_log(tmp_path: Path) -> None:
    program = "from server.failpoints import hit\ntry: hit('a'); hit('a')\nfinally: print('alive')"
    env = {"ZIDIMAIL_FAILPOINTS": "a=kill@2", "ZIDIMAIL_FAILPOINTS_LOG": str(tmp_path / "log")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (-9, b"")
    assert (tmp_path / "log").read_text().split() == ["a", "a"]
