"""Changes of the contract that break clients, and that `buf breaking` does not see, are found."""

from collections.abc import Callable
from typing import Any

import pytest
from google.api import annotations_pb2, field_behavior_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)
from google.protobuf.internal.encoder import TagBytes
from zidimail.v1 import access_pb2

from tools.contract_changes import contract_changes
from tools.generate import RELEASED

GET, SEND, WEBHOOK = "EmailService.GetEmail", "EmailService.SendEmail", "WebhookService.CreateWebhook"
STATS = "EmailService.GetEmailStats"
# Any: our own stubs do not say which options it extends.
ACCESS: Any = access_pb2.access


class Image:
    """The released contract, to be changed."""

    def __init__(self) -> None:
        self.files = FileDescriptorSet.FromString(RELEASED.read_bytes())

    def file(self, name: str) -> FileDescriptorProto:
        (found,) = [file for file in self.files.file if file.name == f"zidimail/v1/{name}.proto"]
        return found

    def method(self, name: str) -> MethodDescriptorProto:
        (found,) = [
            method
            for file in self.files.file
            for service in file.service
            for method in service.method
            if f"{service.name}.{method.name}" == name
        ]
        return found

    def http(self, name: str) -> http_pb2.HttpRule:
        return self.method(name).options.Extensions[annotations_pb2.http]

    def access(self, name: str) -> access_pb2.Access:
        access: access_pb2.Access = self.method(name).options.Extensions[ACCESS]
        return access

    def message(self, name: str) -> DescriptorProto:
        (found,) = [
            message
            for file in self.files.file
            if file.package == "zidimail.v1"
            for message in file.message_type
            if message.name == name
        ]
        return found

    def field(self, message: str, name: str) -> FieldDescriptorProto:
        (found,) = [field for field in self.message(message).field if field.name == name]
        return found

    def add_field(self, message: str, *, required: bool) -> None:
        field = self.message(message).field.add(
            name="locale",
            json_name="locale",
            number=900,
            type=FieldDescriptorProto.TYPE_STRING,
            label=FieldDescriptorProto.LABEL_OPTIONAL,
        )
        if required:
            require(field)


def require(field: FieldDescriptorProto) -> None:
    field.options.Extensions[field_behavior_pb2.field_behavior].append(field_behavior_pb2.REQUIRED)


def losses(edit: Callable[[Image], object]) -> list[str]:
    """The changes that are found when the released contract is edited like this."""
    image = Image()
    edit(image)
    return contract_changes(Image().files, image.files)


def other_verb(image: Image) -> None:
    image.http(WEBHOOK).put = "/v1/webhooks"


def other_path(image: Image) -> None:
    image.http(GET).get = "/v1/messages/{id}"


def other_variable(image: Image) -> None:
    image.http(GET).get = "/v1/emails/{email_id}"


def no_route(image: Image) -> None:
    image.method(GET).options.ClearExtension(annotations_pb2.http)


def other_body(image: Image) -> None:
    image.http(WEBHOOK).body = "url"


def other_answer(image: Image) -> None:
    image.http(GET).response_body = ""


def no_keys(image: Image) -> None:
    del image.access(GET).credentials[:]
    image.access(GET).credentials.append(access_pb2.CREDENTIAL_SESSION)


def no_session(image: Image) -> None:
    del image.access(GET).credentials[:]
    image.access(GET).credentials.append(access_pb2.CREDENTIAL_API_KEY)


def other_permission(image: Image) -> None:
    image.access(STATS).permissions[:] = [access_pb2.PERMISSION_SEND_ONLY]


def higher_role(image: Image) -> None:
    image.access(GET).role = access_pb2.ROLE_ADMIN


def lower_role(image: Image) -> None:
    image.access(WEBHOOK).role = access_pb2.ROLE_MEMBER


def open_to_all(image: Image) -> None:
    image.access(GET).CopyFrom(access_pb2.Access(credentials=[access_pb2.CREDENTIAL_NONE]))


def no_access(image: Image) -> None:
    image.method(SEND).options.ClearExtension(ACCESS)


CHANGES: dict[Callable[[Image], None], list[str]] = {
    other_verb: ["`POST /v1/webhooks` is gone, and clients that call it get 404 or 405"],
    other_path: ["`GET /v1/emails/{id}` is gone, and clients"],
    other_variable: ["`GET /v1/emails/{id}` has other variables, `GET /v1/emails/{email_id}`"],
    no_route: ["`GET /v1/emails/{id}` is gone, and clients"],
    other_body: [
        "`POST /v1/webhooks` takes the field `url` as its body, not the whole request: requests of clients"
    ],
    other_answer: [
        "`GET /v1/emails/{id}` answers the whole response, not the field `email` alone: clients do not find"
    ],
    no_keys: [
        "callers with PERMISSION_FULL, PERMISSION_READ_ONLY, PERMISSION_SEND_ONLY may not call it any more"
    ],
    no_session: ["callers with ROLE_ADMIN, ROLE_MEMBER, ROLE_OWNER, ROLE_READ_ONLY may not call it any more"],
    other_permission: [
        "callers with PERMISSION_READ_ONLY may not call it any more",
        "callers with PERMISSION_SEND_ONLY may call it now, and whoever gave them their key or role loses",
    ],
    higher_role: ["callers with ROLE_MEMBER, ROLE_READ_ONLY may not call it any more"],
    lower_role: ["callers with ROLE_MEMBER may call it now"],
    open_to_all: ["callers with CREDENTIAL_NONE may call it now"],
    no_access: ["callers with PERMISSION_FULL, PERMISSION_SEND_ONLY may not call it any more"],
}


@pytest.mark.parametrize("edit", CHANGES, ids=lambda edit: edit.__name__)
def test_a_change_of_a_method_is_found_with_what_clients_lose_and_a_remedy(
    edit: Callable[[Image], None],
) -> None:
    found = losses(edit)
    assert len(found) == len(CHANGES[edit])
    for line, expected in zip(found, CHANGES[edit], strict=True):
        method, _, loss = line.partition(": ")
        assert method.startswith("zidimail.v1.")
        assert loss.startswith(expected)
        assert loss.count(". ") == 1, "a loss and a remedy"


def test_a_new_required_field_of_a_request_is_found() -> None:
    (line,) = losses(lambda image: image.add_field("SendEmailRequest", required=True))
    assert line.startswith("zidimail.v1.SendEmailRequest.locale is new and REQUIRED: requests of clients")


def test_a_new_required_field_of_a_part_of_a_request_is_found() -> None:
    (line,) = losses(lambda image: image.add_field("NewAttachment", required=True))
    assert line.startswith("zidimail.v1.NewAttachment.locale is new and REQUIRED")


def test_a_field_that_becomes_required_is_found() -> None:
    (line,) = losses(lambda image: require(image.field("NewAttachment", "content_id")))
    assert line.startswith("zidimail.v1.NewAttachment.content_id is REQUIRED now, and was not")


def test_an_additional_route_that_is_removed_is_found() -> None:
    released, present = Image(), Image()
    released.http(GET).additional_bindings.add(get="/v1/messages/{id}", response_body="email")
    (line,) = contract_changes(released.files, present.files)
    assert line.startswith("zidimail.v1.EmailService.GetEmail: `GET /v1/messages/{id}` is gone")


def moved_to_the_second_place(image: Image) -> None:
    rule = image.http(GET)
    released = http_pb2.HttpRule(get=rule.get, response_body=rule.response_body)
    rule.get = "/v1/messages/{id}"
    rule.additional_bindings.append(released)


def other_number(image: Image) -> None:
    """The access option has another number, of the same length."""
    number = image.file("access").extension[0].number
    written = image.files.SerializeToString().replace(TagBytes(number, 2), TagBytes(number + 1, 2))
    image.files = FileDescriptorSet.FromString(written)
    image.file("access").extension[0].number = number + 1


def another_role(image: Image) -> None:
    (roles,) = [enum for enum in image.file("access").enum_type if enum.name == "Role"]
    roles.value.add(name="ROLE_BILLING", number=9)


def no_longer_required(image: Image) -> None:
    image.field("GetEmailRequest", "id").options.ClearExtension(field_behavior_pb2.field_behavior)


HARMLESS: dict[str, Callable[[Image], object]] = {
    "none": lambda image: None,
    "a new field": lambda image: image.add_field("SendEmailRequest", required=False),
    "a field of an answer": lambda image: image.add_field("SendEmailResponse", required=True),
    "a field that may be left out": no_longer_required,
    "another route": lambda image: image.http(GET).additional_bindings.add(get="/v1/messages/{id}"),
    "another route first": moved_to_the_second_place,
    "the first route": lambda image: image.http("EventService.WatchEvents").MergeFrom(
        http_pb2.HttpRule(get="/v1/watch")
    ),
    "another role": another_role,
    "another number of the access option": other_number,
}


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_a_change_by_which_no_client_loses_is_allowed(edit: Callable[[Image], object]) -> None:
    assert not losses(edit)
