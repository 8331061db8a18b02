"""The golden files as a whole cover everything that the contract documents."""

import re
from typing import Any

import pytest
import zidimail.v1

from edge.dialects.zidimail.errors import ROWS, Row
from edge.transcoding.routes import routes_of, services_of
from edge.transcoding.status import HEAD_TOO_LARGE, MALFORMED_REQUEST, REQUEST_TIMEOUT
from tests.rest.golden import FOLDER, goldens, route_of

ROUTES = routes_of(services_of(zidimail.v1))

NOT_BY_A_REQUEST = {
    # Of a connection, before there is a request: `tests/unit/edge/test_protocol.py`.
    *(HEAD_TOO_LARGE, MALFORMED_REQUEST, REQUEST_TIMEOUT),
    # Of an overload or a server that is away: `tests/unit/edge`.
    *("UNAVAILABLE", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"),
    "TOO_MANY_STREAMS",
    # Of requests at the same moment: `tests/store/test_operators.py`, `tests/store/test_admin.py`.
    *("OPERATOR_SECOND_FACTOR_REQUIRED", "ACCOUNT_STATE_CHANGED"),
    # Of work that is in progress: `tests/store/test_erasures.py`, `tests/store/test_exports.py`.
    *("TOO_MANY_ERASURES", "EXPORT_NOT_READY"),
}
"""The reasons that no single request over REST can show."""


def test_every_documented_endpoint_has_a_golden_file_of_success() -> None:
    shown = {id(route_of(golden, ROUTES)) for golden in goldens() if golden["answer"]["status"] < 300}
    assert not [route.method.full_name for route in ROUTES if id(route) not in shown]


@pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 422, 429, 500])
def test_every_documented_status_has_a_golden_file(status: int) -> None:
    """Z-8."""
    assert status in {golden["answer"]["status"] for golden in goldens()}


def test_every_error_reason_has_a_golden_file() -> None:
    """Z-7, Z-8."""
    failures = [golden["answer"] for golden in goldens() if golden["answer"]["status"] >= 400]
    shown = {reason for reason, row in ROWS.items() if any(tells(answer, row) for answer in failures)}
    assert ROWS.keys() - shown == NOT_BY_A_REQUEST


def tells(answer: dict[str, Any], row: Row) -> bool:
    """True if an answer is the one of this row."""
    error = re.escape(row.error)
    return answer["status"] == row.status and bool(
        re.fullmatch(re.sub(r"\\{\w+\\}", ".+", error), answer["body"]["error"])
    )


def test_each_golden_file_names_its_contract_rows() -> None:
    assert all(golden["rows"] for golden in goldens())


def test_every_golden_file_belongs_to_a_test() -> None:
    tests = "".join(path.read_text() for path in FOLDER.parent.glob("test_*.py"))
    named = set(re.findall(r'"([\w-]+/[\w{}-]+)"', tests))
    stems = {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.json")}
    patterns = [re.compile(re.sub(r"\{\w+\}", r"[\\w-]+", name)) for name in named]
    assert not {stem for stem in stems if not any(pattern.fullmatch(stem) for pattern in patterns)}
