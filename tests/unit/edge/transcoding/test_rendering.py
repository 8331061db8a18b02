from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from zidimail.v1 import domain_pb2, email_pb2, event_pb2
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.zidimail.shapes import RESPONSES
from edge.transcoding.rendering import Renderers
from edge.transcoding.response_shape import ResponseShape, ResponseShapes
from tests.unit.edge.transcoding.contract import DIALECT, METHODS, ROUTES, canonical, valid_json

PLAIN = ResponseShapes(
    {
        f"zidimail.v1.{name}": ResponseShape(reveals=(*shape.reveals, *shape.hidden))
        for name, shape in RESPONSES.items()
        if shape.reveals or shape.hidden
    }
)
RENDERERS = Renderers(DIALECT.names, PLAIN)


def without_null(value: Any) -> Any:
    match value:
        case dict():
            return {key: without_null(item) for key, item in value.items() if item is not None}
        case list():
            return [without_null(item) for item in value]
    return value


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_message_without_a_shape_is_rendered_whole(data: st.DataObject) -> None:
    descriptor = data.draw(st.sampled_from(METHODS)).output_type
    make = GetMessageClass(descriptor)
    message = json_format.ParseDict(canonical(descriptor, data.draw(valid_json(descriptor))), make())
    rendered = orjson.loads(orjson.dumps(RENDERERS.message(descriptor)(message)))
    assert json_format.ParseDict(canonical(descriptor, without_null(rendered)), make()) == message


def test_every_field_is_always_rendered() -> None:
    rendered = RENDERERS.message(email_pb2.Email.DESCRIPTOR)(email_pb2.Email())
    assert rendered == {
        "id": "",
        "message_id": "",
        "from": "",
        "to": [],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "subject": "",
        "html": None,
        "text": None,
        "headers": {},
        "tags": [],
        "status": None,
        "test": False,
        "bounce": None,
        "created_at": None,
        "recipients": [],
        "events": [],
        "scheduled_at": None,
        "job_type": None,
        "job_id": None,
        "attempts": 0,
        "attachments": [],
        "content_deleted": None,
    }


def test_times_have_milliseconds_and_enums_their_short_names() -> None:
    event = event_pb2.Event(
        type=event_pb2.EVENT_TYPE_EMAIL_DELIVERY_DELAYED,
        created_at=Timestamp(seconds=1778673600, nanos=7_999_999),
        reply=event_pb2.SmtpReply(code=451, enhanced_status="4.2.1"),
    )
    rendered = RENDERERS.message(event.DESCRIPTOR)(event)
    assert rendered["type"] == "email.delivery_delayed"
    assert rendered["created_at"] == "2026-05-13T12:00:00.007Z"
    assert rendered["reply"] == {"code": 451, "enhanced_status": "4.2.1", "diagnostic": "", "remote_host": ""}


def test_large_numbers_are_numbers() -> None:
    rendered = RENDERERS.message(pb.ListEmailsResponse.DESCRIPTOR)(pb.ListEmailsResponse(total=1 << 40))
    assert rendered["total"] == 1 << 40


def test_response_body_replaces_its_message() -> None:
    route = next(route for route in ROUTES if route.method.name == "GetDomain")
    response = GetMessageClass(route.method.output_type)(domain=domain_pb2.Domain(id="d1"))
    assert RENDERERS.response(route)(response)["id"] == "d1"
