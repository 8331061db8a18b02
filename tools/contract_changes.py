"""Compares the contract with the released one in what `buf breaking` does not look at: the options.

Clients depend on them all the same: on the routes of `google.api.http`, on the access rule of a method, and
on which fields of a request are REQUIRED.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict
from google.protobuf.message_factory import GetMessageClass

from tools.generate import DESCRIPTORS, GENERATED, RELEASED

PACKAGE = "zidimail.v1"
HTTP, BEHAVIOR, ACCESS = "[google.api.http]", "[google.api.field_behavior]", f"[{PACKAGE}.access]"
# The enums whose values name callers.
CALLERS = ("Credential", "Permission", "Role")
EVERYONE = "CREDENTIAL_NONE"
VERBS = ("get", "put", "post", "delete", "patch")
VARIABLE = re.compile(r"\{[^}]*\}")

# Options as JSON, whose values are of any kind.
Options = dict[str, Any]


class Route(NamedTuple):
    """One route of a method, as `google.api.http` writes it."""

    verb: str
    path: str
    body: str
    response_body: str

    def __str__(self) -> str:
        return f"`{self.verb} {self.path}`"


class Contract:
    """A contract, read with the options that its own image defines: their numbers may have been others."""

    def __init__(self, image: FileDescriptorSet) -> None:
        """`image` holds all that it imports, each file behind its imports; else it raises TypeError."""
        self._pool = DescriptorPool()
        for file in image.file:
            self._pool.Add(file)
        services = [
            self._pool.FindServiceByName(f"{PACKAGE}.{service.name}")
            for file in image.file
            if file.package == PACKAGE
            for service in file.service
        ]
        self.methods: dict[str, MethodDescriptor] = {
            method.full_name: method for service in services for method in service.methods
        }

    def message(self, name: str) -> Descriptor | None:
        """The message with this full name, if there is one."""
        try:
            return self._pool.FindMessageTypeByName(name)
        except KeyError:
            return None

    def routes(self, method: MethodDescriptor) -> list[Route]:
        """The routes of a method; none if it has no annotation."""
        rule = self._options("MethodOptions", method).get(HTTP)
        return [] if rule is None else [_route(rule), *map(_route, rule.get("additional_bindings", ()))]

    def callers(self, method: MethodDescriptor) -> set[str]:
        """The callers whom the access rule of a method accepts.

        API keys go by their permissions, sessions by their roles, others by their kind of credential.
        """
        access = self._options("MethodOptions", method).get(ACCESS, {})
        found = set(access.get("credentials", ()))
        if "CREDENTIAL_API_KEY" in found:
            found |= {"PERMISSION_FULL", *access.get("permissions", ())}
        if "CREDENTIAL_SESSION" in found:
            found |= self._roles_from(access.get("role"))
        return found - {"CREDENTIAL_API_KEY", "CREDENTIAL_SESSION"}

    def kinds_of_callers(self) -> set[str]:
        """All callers that this contract has names for."""
        enums = [self._pool.FindEnumTypeByName(f"{PACKAGE}.{name}") for name in CALLERS]
        return {value.name for enum in enums for value in enum.values}

    def is_required(self, field: FieldDescriptor) -> bool:
        """True if a request without the field is refused."""
        return "REQUIRED" in self._options("FieldOptions", field).get(BEHAVIOR, ())

    def _roles_from(self, least: str | None) -> set[str]:
        roles = self._pool.FindEnumTypeByName(f"{PACKAGE}.Role")
        start = 0 if least is None else roles.values_by_name[least].number
        return {role.name for role in roles.values if role.number and role.number >= start}

    def _options(self, kind: str, of: MethodDescriptor | FieldDescriptor) -> Options:
        of_this_image = GetMessageClass(self._pool.FindMessageTypeByName(f"google.protobuf.{kind}"))
        options = of_this_image.FromString(of.GetOptions().SerializeToString())
        return MessageToDict(options, preserving_proto_field_name=True)


def _route(rule: Options) -> Route:
    body, response_body = rule.get("body", ""), rule.get("response_body", "")
    if custom := rule.get("custom"):
        return Route(custom["kind"], custom["path"], body, response_body)
    (verb,) = [verb for verb in VERBS if verb in rule]
    return Route(verb.upper(), rule[verb], body, response_body)


def contract_changes(released: FileDescriptorSet, present: FileDescriptorSet) -> list[str]:
    """A sentence for each change by which clients of the released contract lose: the loss, and a remedy.

    Methods, messages and fields that are gone are left to `buf breaking`.
    """
    old, new = Contract(released), Contract(present)
    known = old.kinds_of_callers()
    found: list[str] = []
    for name in old.methods.keys() & new.methods.keys():
        before, after = old.methods[name], new.methods[name]
        found += [f"{name}: {loss}" for loss in _routes_lost(old.routes(before), new.routes(after))]
        # A caller that the released contract does not know cannot have been left out on purpose.
        callers = new.callers(after) & known
        found += [f"{name}: {loss}" for loss in _access_changed(old.callers(before), callers)]
    return sorted([*found, *_required(old, new)])


def _routes_lost(before: list[Route], after: list[Route]) -> Iterator[str]:
    for route in before:
        same = [other for other in after if (other.verb, _shape(other)) == (route.verb, _shape(route))]
        if not same:
            yield (
                f"{route} is gone, and clients that call it get 404 or 405. "
                "Keep it, as one of `additional_bindings` if another shall come first."
            )
            continue
        (now,) = same
        if now.path != route.path:
            yield (
                f"{route} has other variables, {now}: clients generated from OpenAPI do not compile. "
                "Keep their names."
            )
        if now.body != route.body:
            yield (
                f"{route} takes {_body(now.body)} as its body, not {_body(route.body)}: requests of clients "
                "are refused or misread. Keep it, and give the new form a path of its own."
            )
        if now.response_body != route.response_body:
            yield (
                f"{route} answers {_answer(now.response_body)}, not {_answer(route.response_body)}: clients "
                "do not find the fields that they read. Keep it, and give the new form a path of its own."
            )


def _shape(route: Route) -> str:
    return VARIABLE.sub("{}", route.path)


def _body(name: str) -> str:
    return {"": "nothing", "*": "the whole request"}.get(name, f"the field `{name}`")


def _answer(name: str) -> str:
    return f"the field `{name}` alone" if name else "the whole response"


def _access_changed(before: set[str], after: set[str]) -> Iterator[str]:
    # An open method looks at no credential: it accepts every caller.
    lost = set() if EVERYONE in after else before - after
    gained = set() if EVERYONE in before else after - before
    if lost:
        yield (
            f"callers with {', '.join(sorted(lost))} may not call it any more, and programs that work are "
            "refused. Accept them, and give what they may not do a method of its own."
        )
    if gained:
        # A loss of those who gave a key or a role to others because it could not do this.
        yield (
            f"callers with {', '.join(sorted(gained))} may call it now, and whoever gave them their key or "
            "role loses a limit. Give what they shall do a method of its own."
        )


def _required(old: Contract, new: Contract) -> Iterator[str]:
    for message in _request_messages(old):
        now = new.message(message.full_name)
        for field in () if now is None else now.fields:
            before = message.fields_by_number.get(field.number)
            if not new.is_required(field) or (before is not None and old.is_required(before)):
                continue
            state = "is new and REQUIRED" if before is None else "is REQUIRED now, and was not"
            yield (
                f"{field.full_name} {state}: requests of clients that do not set it are refused. "
                "Let it be absent, and say in its comment what that means."
            )


def _request_messages(contract: Contract) -> list[Descriptor]:
    """The requests, and the messages in them."""
    found: dict[str, Descriptor] = {}
    waiting = [method.input_type for method in contract.methods.values()]
    while waiting:
        message = waiting.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            waiting += [field.message_type for field in message.fields if field.message_type is not None]
    return list(found.values())


def main() -> None:
    """Compares `generated/` with the released contract; prints the losses, and exits with 1 if any."""
    present, released = (_read(path) for path in (GENERATED / DESCRIPTORS, RELEASED))
    if found := contract_changes(released, present):
        sys.exit("\n".join(found))


def _read(path: Path) -> FileDescriptorSet:
    return FileDescriptorSet.FromString(path.read_bytes())


if __name__ == "__main__":
    main()
