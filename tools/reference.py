"""Renders `docs/reference.md` from the descriptors and their comments.

`--check` writes nothing, and fails if the committed page differs from the rendered one.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator

import zidimail.v1
from google.api import field_behavior_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from zidimail.v1.access_pb2 import Access, Credential, Permission, Role, access
from zidimail.v1.error_reason_pb2 import ErrorReason

from edge.transcoding.comments import comments_of
from edge.transcoding.routes import routes_of, services_of
from edge.transcoding.sources import descriptors_of
from tools.generate import REPOSITORY

PAGE = REPOSITORY / "docs/reference.md"
PACKAGE = zidimail.v1.__name__
SERVICES = services_of(zidimail.v1)
COMMENTS = comments_of(PACKAGE)
ROUTES = routes_of(SERVICES)
METHODS = {method.name for service in SERVICES for method in service.methods}
REASONS = {name.removeprefix("ERROR_REASON_") for name, _ in ErrorReason.items()}

INTRODUCTION = f"""\
# Reference of {PACKAGE}

Rendered by `make generate` from the comments of the [protos](../protos/zidimail/v1).

A field without a label counts as absent when it is empty; an optional one can be empty and not absent. The
reasons of errors are those of [ErrorReason](#errorreason): each method names its own, and any method can fail
because of credentials, limits, deadlines or the server itself."""


def page() -> str:
    """The whole page, as Markdown. The anchor of a heading is its text in lower case."""
    messages, enums = types()
    parts = [INTRODUCTION, "## Contents", contents(messages, enums), "## Services"]
    for service in SERVICES:
        parts += [f"### {service.name}", COMMENTS[service.full_name]]
        for method in service.methods:
            parts += [f"#### {method.name}", *method_section(method)]
    parts.append("## Messages")
    for message in messages:
        parts += [f"### {message.name}", COMMENTS[message.full_name], fields_table(message)]
    parts.append("## Enums")
    for enum in enums:
        parts += [f"### {enum.name}", COMMENTS[enum.full_name], values_table(enum)]
    return "\n\n".join(parts) + "\n"


def types() -> tuple[list[Descriptor], list[EnumDescriptor]]:
    """The messages and the enums of the package, by name."""
    image = FileDescriptorSet.FromString(descriptors_of(PACKAGE))
    pool = descriptor_pool.Default()
    files = [pool.FindFileByName(file.name) for file in image.file if file.package == PACKAGE]
    messages = {name: message for file in files for name, message in file.message_types_by_name.items()}
    enums = {name: enum for file in files for name, enum in file.enum_types_by_name.items()}
    return [messages[name] for name in sorted(messages)], [enums[name] for name in sorted(enums)]


def contents(messages: Iterable[Descriptor], enums: Iterable[EnumDescriptor]) -> str:
    """The table of contents."""
    parts = {service.name: service.methods for service in SERVICES} | {"Messages": messages, "Enums": enums}
    return "\n".join(
        f"- {link(name)}: {', '.join(link(item.name) for item in items)}" for name, items in parts.items()
    )


def link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def method_section(method: MethodDescriptor) -> Iterator[str]:
    """A method's comment, with links to the methods and the errors that it names; and how it is called."""
    comment, _, errors = COMMENTS[method.full_name].partition("\n\nErrors: ")
    yield linked(comment, METHODS - {method.name})
    facts = {
        "Request": "stream of " * method.client_streaming + link(method.input_type.name),
        "Response": "stream of " * method.server_streaming + link(method.output_type.name),
        "REST": rest(method),
        "Credentials": credentials(method),
        "Errors": linked(errors, METHODS | REASONS),
    }
    yield "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def linked(text: str, names: set[str]) -> str:
    """The text with each of the names, where it stands outside of backticks, as a link."""

    def replaced(found: re.Match[str]) -> str:
        word = found[0]
        if word not in names:
            return word
        return f"[`{word}`](#errorreason)" if word in REASONS else link(word)

    return re.sub(r"`[^`]*`|\w+", replaced, text)


def rest(method: MethodDescriptor) -> str:
    """The routes of a method, with the parts of the two messages that are bodies."""
    found = []
    for route in ROUTES:
        if route.method == method:
            bodies = {"": "", "*": "; the body is the request"}
            body = bodies.get(route.body, f"; the body is its field `{route.body}`")
            answer = f"; the answer is the field `{route.response_body}`" if route.response_body else ""
            found.append(f"`{route.verb} {route.path}`{body}{answer}")
    return ", or ".join(found) or "none"


def credentials(method: MethodDescriptor) -> str:
    """The credentials that a method takes, and what they must allow."""
    rule: Access = method.GetOptions().Extensions[access]  # type: ignore[index]
    permissions = sorted({Permission.Value("PERMISSION_FULL"), *rule.permissions})
    in_person = ", not opened by an operator" if rule.in_person else ""
    needed = {
        "`API_KEY`": f" (permission {' or '.join(short(Permission, number) for number in permissions)})",
        "`SESSION`": f" (role {short(Role, rule.role)} or a higher one{in_person})",
    }
    names = [short(Credential, number) for number in rule.credentials]
    return ", ".join(name + needed.get(name, "") for name in names)


def short(enum: EnumTypeWrapper, number: int) -> str:
    """The name of a value without that of its enum, which is one word."""
    return f"`{enum.Name(number).partition('_')[2]}`"


def fields_table(message: Descriptor) -> str:
    if not message.fields:
        return "It has no fields."
    rows = [
        (f"`{field.name}`", field.number, type_of(field), labels(field), COMMENTS[field.full_name])
        for field in message.fields
    ]
    return table(("Field", "No.", "Type", "Label", "Meaning"), rows)


def type_of(field: FieldDescriptor) -> str:
    """The type of a field, with a link to where it is described."""
    named = field.message_type or field.enum_type
    if named is None:
        return f"`{FieldDescriptorProto.Type.Name(field.type).removeprefix('TYPE_').lower()}`"
    if is_map(field):
        return f"map of {type_of(named.fields_by_name['key'])} to {type_of(named.fields_by_name['value'])}"
    if named.file.package == PACKAGE:
        return link(named.name)
    if named.file.package == "google.protobuf":
        return f"[{named.full_name}](https://protobuf.dev/reference/protobuf/google.protobuf/#{named.name.lower()})"
    return f"[{named.full_name}](https://github.com/googleapis/googleapis/blob/master/{named.file.name})"


def is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def labels(field: FieldDescriptor) -> str:
    """The words that say when a field is there, and how often."""
    found = []
    if field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]:
        found.append("**required**")
    if field.is_repeated and not is_map(field):
        found.append("repeated")
    oneof = field.containing_oneof
    if oneof is not None:
        # The compiler wraps each `optional` field in a oneof of its own.
        found.append("optional" if oneof.name == f"_{field.name}" else f"one of `{oneof.name}`")
    return ", ".join(found)


def values_table(enum: EnumDescriptor) -> str:
    rows = [
        (f"`{value.name}`", value.number, COMMENTS[f"{enum.full_name}.{value.name}"]) for value in enum.values
    ]
    return table(("Value", "No.", "Meaning"), rows)


def table(head: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> str:
    cells = [[str(cell).replace("\n\n", " ").replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells))


def main() -> None:
    """Renders, or compares."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when docs/reference.md is not up to date")
    check = parser.parse_args().check
    rendered = page()
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(rendered)
    elif not PAGE.is_file() or PAGE.read_text() != rendered:
        sys.exit("docs/reference.md is not what the protos say.")


if __name__ == "__main__":
    main()
