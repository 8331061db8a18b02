"""Queries that differ from the messages they fill: words for several values, and values that are fixed."""

import pytest
from zidimail.v1 import email_pb2

from edge.transcoding.binding import compile_request
from edge.transcoding.request_shape import QueryShape
from edge.transcoding.routes import BadRoute
from tests.unit.edge.transcoding.contract import DIALECT, ROUTES
from tests.unit.edge.transcoding.test_binding import refused

LIST = next(route for route in ROUTES if route.path == "/v1/emails" and route.verb == "GET")
STATES = {"over": [email_pb2.EMAIL_STATUS_SENT, email_pb2.EMAIL_STATUS_FAILED]}


def test_a_word_of_a_query_stands_for_its_values_and_no_other_is_taken() -> None:
    bind = compile_request(LIST, DIALECT.names, QueryShape(words={"status": STATES}))
    bound = bind(None, b"status=over&status=over", ())
    assert list(bound.status) == sorted(STATES["over"])  # type: ignore[attr-defined]
    assert refused(bind, None, b"status=sent") == [("status", "must be one of over, not 'sent'")]


def test_a_fixed_value_of_a_query_cannot_be_named() -> None:
    bind = compile_request(LIST, DIALECT.names, QueryShape(fixed={"job_type": 2}))
    assert bind(None, b"limit=1", ()).job_type == 2  # type: ignore[attr-defined]
    (wrong,) = refused(bind, None, b"limit=1&job_type=direct")
    assert wrong[0] == "job_type"


def test_a_query_with_a_field_that_is_not_there_is_no_route() -> None:
    with pytest.raises(BadRoute, match="no field"):
        compile_request(LIST, DIALECT.names, QueryShape(fixed={"nothing": 1}))
