"""Two organisations with data, and one way to call any method by gRPC and by REST."""

import base64
import datetime
import http.client
import itertools
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import grpc
from google.protobuf import json_format, message_factory
from google.rpc import error_details_pb2, status_pb2

from tests.contract.contacts import Contacts
from tests.contract.methods import METHODS, Method
from tests.contract.tokens import expired, resigned, unsigned
from tests.harness import running_twins
from tests.harness.stack import Organisation, Stack

MISSING_ID = "0123456789abcdef01234567"
TIMEOUT_S = 20.0

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer over either protocol: `code` is the gRPC code's name or the HTTP status as text."""

    code: str
    reason: str
    body: Any

    def without(self, *ids: str) -> "Outcome":
        """The same with the ids left out, so that two answers can be compared."""
        text = json.dumps(self.body, sort_keys=True)
        for value in ids:
            text = text.replace(value, "ID")
        return Outcome(self.code, self.reason, json.loads(text))


class World:
    """The data of the matrix: organisation A with one of everything, B with a little, keys of every kind."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.a: Organisation = stack.owner
        self.b: Organisation = stack.other
        self.a_email, self.b_email = "owner@example.com", "other@example.net"
        self.contacts = Contacts(self)
        self._numbers = itertools.count(1)
        self._channel = grpc.insecure_channel(stack.grpc)
        revoked_id, revoked = self.new_key("PERMISSION_FULL")
        self.credentials: dict[str, str | None] = {
            "nobody": None,
            "nonsense": "nonsense",
            "a malformed key": "zm_live_",
            "an unknown key": f"zm_live_{MISSING_ID}_{'A' * 43}",
            "a known key with another secret": self.a.api_key[:-6] + "AAAAAA",
            "a revoked key": revoked,
            "a forged session": resigned(self.a.jwt),
            "an unsigned session": unsigned(self.a.jwt),
            "an expired session": expired(stack),
            "A, full key": self.a.api_key,
            "A, send_only key": self.new_key("PERMISSION_SEND_ONLY")[1],
            "A, read_only key": self.new_key("PERMISSION_READ_ONLY")[1],
            **{
                f"A, {name}_only test key": self.new_key(f"PERMISSION_{name.upper()}_ONLY", test=True)[1]
                for name in ("send", "read")
            },
            "A, full test key": self.new_key("PERMISSION_FULL", test=True)[1],
            "A, key of its domain": self.new_key("PERMISSION_FULL", allowed_domains=[self.a.domain])[1],
            "A, key of another domain": self.new_key("PERMISSION_FULL", domain_id=self.new_domain())[1],
            "A, session": self.a.jwt,
            "B, full key": self.b.api_key,
            "B, session": self.b.jwt,
            "internal": f"Internal {stack.edge_secret}",
            "operator token": stack.operator_token,
            "an unknown operator token": f"zo_{MISSING_ID}_{'a' * 64}",
        }
        self.made("ApiKeyService.DeleteApiKey", {"id": revoked_id}, self.a.jwt)
        sent = self.email() | {"to": ["complainer@example.org"]}
        self.made("EmailService.SendEmail", self.email(), str(self.credentials["A, full test key"]))
        self.email_id = str(self.made("EmailService.SendEmail", sent, self.a.api_key)["id"])
        self.b_email_id = self.new_email(self.b)
        self.cursor = self.made("EventService.ListEvents", {"limit": 1}, self.a.api_key)["next_cursor"]

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    # Things of A's, made anew for each use, so that a test may delete them.

    def number(self) -> int:
        """A number that was not used before."""
        return next(self._numbers)

    def email(self, org: Organisation | None = None) -> Fields:
        """An email that its organisation may send."""
        return {
            "from": f"a@{(org or self.a).domain}",
            "to": [self.new_address()],
            "subject": f"Secret of {(org or self.a).org_id}",
            "text": "x",
        }

    def raw_email(self) -> Fields:
        """The same of A's as a finished message, as JSON has bytes."""
        text = f"From: a@{self.a.domain}\nTo: {self.new_address()}\n\nSecret of {self.a.org_id}\n"
        return {"content": base64.b64encode(text.encode()).decode()}

    def new_email(self, org: Organisation | None = None) -> str:
        """The id of an accepted email."""
        org = org or self.a
        return str(self.made("EmailService.SendEmail", self.email(org), org.api_key)["id"])

    def new_key(self, permission: str, **bounds: Any) -> tuple[str, str]:
        """The id and the text of a new key of A's."""
        fields = {"name": "matrix", "permission": permission, **bounds}
        key = self.made("ApiKeyService.CreateApiKey", fields, self.a.jwt)
        return key["id"], key["key"]

    def new_domain(self) -> str:
        """The id of a new domain of A's."""
        fields = {"domain": f"matrix-{self.number()}.example.com"}
        return str(self.made("DomainService.CreateDomain", fields, self.a.api_key)["domain"]["id"])

    def webhook(self) -> Fields:
        """A new webhook's fields; its URL does not answer."""
        return {"url": f"https://127.0.0.1:1/matrix/{self.number()}", "events": ["EVENT_TYPE_EMAIL_BOUNCED"]}

    def new_webhook(self) -> str:
        """The id of a new webhook of A's."""
        return str(self.made("WebhookService.CreateWebhook", self.webhook(), self.a.api_key)["id"])

    def new_scheduled(self) -> str:
        """The id of an email that waits for its time."""
        fields = self.email() | {"scheduled_at": self.later()}
        return str(self.made("EmailService.SendEmail", fields, self.a.api_key)["id"])

    def later(self) -> str:
        """A time ahead, as JSON has it."""
        return _timestamp(datetime.timedelta(hours=1))

    def earlier(self) -> str:
        """A time past, as JSON has it."""
        return _timestamp(-datetime.timedelta(hours=1))

    def new_address(self) -> str:
        """An address that was not used before."""
        return f"matrix-{self.number()}@example.org"

    def new_suppression(self) -> Fields:
        """A new suppression of A's."""
        fields = {"email": self.new_address()}
        made: Fields = self.made("SuppressionService.CreateSuppression", fields, self.a.api_key)[
            "suppression"
        ]
        return made

    # Things that are read only: one is enough, made when it is first needed.

    @cached_property
    def suppression(self) -> Fields:
        """A suppression of A's."""
        return self.new_suppression()

    @cached_property
    def attachment(self) -> Fields:
        """The `email_id` of an email of A's and the `attachment_id` of its file."""
        sent = self.email() | {"attachments": [{"filename": "secret.txt", "content": "c2VjcmV0"}]}
        id = str(self.made("EmailService.SendEmail", sent, self.a.api_key)["id"])
        [file] = self.made("AttachmentService.ListAttachments", {"email_id": id}, self.a.api_key)["data"]
        return {"email_id": id, "attachment_id": file["id"]}

    @cached_property
    def job_id(self) -> str:
        """The id of a batch job of A's."""
        made = self.made("BatchJobService.CreateBatchJob", {"emails": [self.email()]}, self.a.api_key)
        return str(made["job"]["id"])

    @cached_property
    def webhook_event(self) -> Fields:
        """The `webhook_id` of a webhook of A's and the `event_id` of an event sent to it."""
        id = self.new_webhook()
        event_id = self.made("WebhookService.TestWebhook", {"id": id}, self.a.api_key)["event_id"]
        return {"webhook_id": id, "event_id": event_id}

    @cached_property
    def b_webhook_id(self) -> str:
        """The id of a webhook of B's."""
        return str(self.made("WebhookService.CreateWebhook", self.webhook(), self.b.api_key)["id"])

    def made(self, name: str, fields: Fields, credential: str) -> Fields:
        """The answer to a call that must succeed."""
        outcome = self.grpc(METHODS[name], fields, credential)
        assert outcome.code == "OK", outcome
        body: Fields = outcome.body
        return body

    def grpc(
        self, method: Method, fields: Fields, credential: str | None, *, within_s: float = TIMEOUT_S
    ) -> Outcome:
        """One call; of a stream, its first message."""
        request_class = message_factory.GetMessageClass(method.descriptor.input_type)
        response_class = message_factory.GetMessageClass(method.descriptor.output_type)
        streams, uploads = method.descriptor.server_streaming, method.descriptor.client_streaming
        kind = f"{'stream' if uploads else 'unary'}_{'stream' if streams else 'unary'}"
        opener: Any = getattr(self._channel, kind)
        call = opener(
            method.grpc_path,
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString,
        )
        metadata = (("authorization", authorization(credential)),) if credential else ()
        request = json_format.ParseDict(fields, request_class())
        try:
            given = iter([request]) if uploads else request
            answer = call(given, metadata=metadata, timeout=within_s)
            if streams:
                stream, answer = answer, next(answer)
                stream.cancel()
        except grpc.RpcError as error:
            return _refusal(error)
        running_twins.check_message(answer)
        return Outcome("OK", "", json_format.MessageToDict(answer, preserving_proto_field_name=True))

    def rest(self, method: Method, fields: Mapping[str, Any], credential: str | None) -> Outcome:
        """The same call by REST."""
        assert method.verb is not None
        assert method.path is not None
        left = dict(fields)
        path = method.path
        for name in list(left):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", quote(str(left.pop(name)), safe=""))
        headers = {"Authorization": authorization(credential)} if credential else {}
        body: str | bytes | None = None
        if method.body is not None:
            body = base64.b64decode(left.pop(method.body, ""))
            headers |= {} if method.descriptor.client_streaming else {"Content-Type": "message/rfc822"}
            path += "?" + urlencode(left, doseq=True)
        elif method.verb in ("POST", "PATCH"):
            body = json.dumps(left)
            headers["Content-Type"] = "application/json"
        elif left:
            path += "?" + urlencode(left, doseq=True)
        address = self.stack.http.removeprefix("http://")
        with closing(http.client.HTTPConnection(address, timeout=TIMEOUT_S)) as connection:
            connection.request(method.verb, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        running_twins.check_text(text)
        content = json.loads(text)
        return Outcome(str(answer.status), content.get("name", ""), content)


def authorization(credential: str) -> str:
    """The header of a credential: a bearer token, unless it names another scheme."""
    return credential if " " in credential else f"Bearer {credential}"


def _refusal(error: grpc.RpcError) -> Outcome:
    info = error_details_pb2.ErrorInfo()
    trailers: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    found = any(detail.Unpack(info) for detail in status.details)
    body = {
        "message": error.details(),
        "metadata": dict(info.metadata),
        "details": [detail.type_url for detail in status.details],
    }
    return Outcome(error.code().name, info.reason if found else "", body)


def _timestamp(ahead: datetime.timedelta) -> str:
    return (datetime.datetime.now(datetime.UTC) + ahead).isoformat(timespec="seconds").replace("+00:00", "Z")
