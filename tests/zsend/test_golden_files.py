"""The golden files as a whole cover every endpoint and error of the dialect."""

import json
import re

import pytest

from edge.dialects.zsend.errors import ROWS
from edge.dialects.zsend.routes import ROUTES
from edge.transcoding.failure_texts import reasons
from tests.rest.golden import goldens, route_of
from tests.zsend.conftest import FOLDER


def test_every_endpoint_has_a_golden_file_of_success() -> None:
    """S-3 to S-15."""
    shown = {route_of(golden, ROUTES) for golden in goldens(FOLDER) if golden["answer"]["status"] == 200}
    assert not {*ROUTES} - shown


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_every_documented_status_has_a_golden_file(status: int) -> None:
    """S-2."""
    assert status in {golden["answer"]["status"] for golden in goldens(FOLDER)}


def test_every_reason_has_an_answer_of_a_documented_status() -> None:
    """S-2, C-66: 503 alone is added."""
    assert reasons() <= ROWS.keys()
    assert {row.status for row in ROWS.values()} <= {400, 401, 403, 404, 429, 500, 503}


def test_every_golden_file_belongs_to_a_test_and_names_its_rows() -> None:
    tests = "".join(path.read_text() for path in FOLDER.parent.glob("test_*.py"))
    named = [re.compile(re.sub(r"\{\w+\}", r"[\\w-]+", name)) for name in re.findall(r'"([\w/{}-]+)"', tests)]
    for path in FOLDER.rglob("*.json"):
        stem = str(path.relative_to(FOLDER).with_suffix(""))
        assert any(pattern.fullmatch(stem) for pattern in named), stem
        assert json.loads(path.read_text())["rows"]
