from dataclasses import replace

import pytest
import zidimail.v1
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, ServiceDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from zidimail.v1 import email_service_pb2

from edge.transcoding.routes import BadRoute, Route, Router, routes_of, services_of
from edge.transcoding.template import BadTemplate, parse
from tests.unit.edge.transcoding.contract import METHODS, ROUTES

EMAILS = email_service_pb2.DESCRIPTOR.services_by_name["EmailService"]


def at(verb: str, path: str) -> Route:
    return Route(verb, path, parse(path), EMAILS.methods_by_name["GetEmail"])


def service(rule: dict[str, str], **method: bool) -> ServiceDescriptor:
    """A service with one method that is annotated like this."""
    file = FileDescriptorProto(name="test.proto", package="test", dependency=["google/api/annotations.proto"])
    file.message_type.add(name="Message")
    rpc = ServiceDescriptorProto(name="Service").method.add(
        name="Method", input_type=".test.Message", output_type=".test.Message", **method
    )
    rpc.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(**rule))
    file.service.add(name="Service").method.append(rpc)
    pool = DescriptorPool()
    for known in (descriptor_pb2, http_pb2, annotations_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("test.Service")


def test_every_annotated_method_has_a_route_and_no_other() -> None:
    annotated = {m.full_name for m in METHODS if m.GetOptions().HasExtension(annotations_pb2.http)}
    assert {route.method.full_name for route in ROUTES} == annotated
    assert "zidimail.v1.EventService.WatchEvents" not in annotated
    assert len(services_of(zidimail.v1)) == len({method.containing_service.full_name for method in METHODS})


def test_a_path_leads_to_the_routes_of_its_verbs_and_the_values_of_its_parameters() -> None:
    match = Router(ROUTES).match(b"/v1/domains/abc/verify")
    assert match is not None
    assert match.values == ("abc",)
    assert match.routes["POST"].method.name == "VerifyDomain"


def test_a_literal_beats_a_parameter_whatever_the_verb() -> None:
    router = Router([at("GET", "/v1/emails/{id}"), at("POST", "/v1/emails/batch")])
    match = router.match(b"/v1/emails/batch")
    assert match is not None
    assert list(match.routes) == ["POST"]


def test_dead_end_literal_falls_back_to_a_parameter() -> None:
    router = Router([at("GET", "/v1/emails/batch/jobs"), at("GET", "/v1/emails/{id}/events")])
    match = router.match(b"/v1/emails/batch/events")
    assert match is not None
    assert match.values == ("batch",)


@pytest.mark.parametrize("path", [b"/v1/emails/", b"/v1//emails", b"//v1/emails//", b"/v1/em%61ils"])
def test_doubled_and_trailing_slashes_and_needless_escapes_do_not_count(path: bytes) -> None:
    match = Router(ROUTES).match(path)
    assert match is not None
    assert set(match.routes) == {"GET", "POST"}


def test_parameters_come_percent_decoded_and_keep_their_slashes() -> None:
    match = Router(ROUTES).match(b"/v1/emails/a%2Fb%20%C3%A9")
    assert match is not None
    assert match.values == ("a/b é",)


@pytest.mark.parametrize("path", [b"/", b"", b"/v1", b"/v2/emails", b"/v1/emails/x/y", b"/v1/emails/batch/x"])
def test_unknown_path_has_no_match(path: bytes) -> None:
    assert Router(ROUTES).match(path) is None


def test_allow_names_head_wherever_get_is_answered() -> None:
    match = Router(ROUTES).match(b"/v1/emails")
    assert match is not None
    assert match.allow == "GET, HEAD, POST"


def test_two_methods_at_one_verb_and_path_are_an_error_when_the_router_is_made() -> None:
    with pytest.raises(BadRoute, match="both answer GET"):
        Router([at("GET", "/v1/emails/{id}"), replace(at("GET", "/v1/emails/{id}"), path="/v1/emails/{id}")])


def test_a_stream_with_an_annotation_is_an_error() -> None:
    with pytest.raises(BadRoute, match="stream"):
        routes_of([service({"get": "/x"}, server_streaming=True)])


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"get": "/x/{nothing}"}, "no field"),
        ({"post": "/x", "body": "nothing"}, "no field"),
        ({"get": "/x", "response_body": "nothing"}, "no field"),
        ({"body": "*"}, "no verb"),
    ],
)
def test_annotation_that_names_an_unknown_field_is_an_error(rule: dict[str, str], complaint: str) -> None:
    with pytest.raises(BadRoute, match=complaint):
        routes_of([service(rule)])


def test_a_bad_template_is_an_error() -> None:
    with pytest.raises(BadTemplate):
        routes_of([service({"get": "/x/**"})])
