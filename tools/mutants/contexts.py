"""A pytest plugin that records each test's lines under its id, and its outcome and time.

A process that a test starts is measured without an id: its lines belong to the file of tests.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

OUTCOMES = "ZIDIMAIL_MUTANTS_OUTCOMES"

_passed: dict[str, float] = {}
_failed: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Names the test in the measurement, with its fixtures."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        if measured is not None:
            measured.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up the time of a test: set-up, call and teardown."""
    if not report.passed:
        _failed.add(report.nodeid)
    _passed[report.nodeid] = _passed.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    """Writes the seconds of each test that passed."""
    passed = {test: seconds for test, seconds in _passed.items() if test not in _failed}
    Path(os.environ[OUTCOMES]).write_text(json.dumps(passed))
