"""The comments of the protos, which generated descriptors have lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorSet

from edge.transcoding.sources import descriptors_of

_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_MESSAGE, _MESSAGE_ENUM = 2, 3, 4
_ENUM_VALUE, _SERVICE_METHOD = 2, 2

Path = tuple[int, ...]


def comments_of(package: str) -> Mapping[str, str]:
    """The comment before each service, method, message, field, enum and value, by full name.

    Lines of a paragraph are joined; paragraphs are parted by an empty line.
    """
    image = FileDescriptorSet.FromString(descriptors_of(package))
    comments: dict[str, str] = {}
    for file in image.file:
        if file.package != package:
            continue
        texts = {
            tuple(location.path): _joined(location.leading_comments)
            for location in file.source_code_info.location
            if location.leading_comments
        }
        for at, service in enumerate(file.service):
            name = f"{package}.{service.name}"
            path: Path = (_FILE_SERVICE, at)
            named = [(name, path)]
            named += [
                (f"{name}.{method.name}", (*path, _SERVICE_METHOD, index))
                for index, method in enumerate(service.method)
            ]
            _collect(comments, texts, named)
        for at, message in enumerate(file.message_type):
            _message(comments, texts, message, package, (_FILE_MESSAGE, at))
        for at, enum in enumerate(file.enum_type):
            _enum(comments, texts, enum, package, (_FILE_ENUM, at))
    return comments


def _message(
    comments: dict[str, str], texts: Mapping[Path, str], message: DescriptorProto, scope: str, path: Path
) -> None:
    name = f"{scope}.{message.name}"
    named = [(name, path)]
    named += [(f"{name}.{field.name}", (*path, _MESSAGE_FIELD, at)) for at, field in enumerate(message.field)]
    _collect(comments, texts, named)
    for at, nested in enumerate(message.nested_type):
        _message(comments, texts, nested, name, (*path, _MESSAGE_MESSAGE, at))
    for at, enum in enumerate(message.enum_type):
        _enum(comments, texts, enum, name, (*path, _MESSAGE_ENUM, at))


def _enum(
    comments: dict[str, str], texts: Mapping[Path, str], enum: EnumDescriptorProto, scope: str, path: Path
) -> None:
    name = f"{scope}.{enum.name}"
    named = [(name, path)]
    named += [(f"{name}.{value.name}", (*path, _ENUM_VALUE, at)) for at, value in enumerate(enum.value)]
    _collect(comments, texts, named)


def _collect(comments: dict[str, str], texts: Mapping[Path, str], named: Iterable[tuple[str, Path]]) -> None:
    comments.update((name, texts[path]) for name, path in named if path in texts)


def _joined(comment: str) -> str:
    paragraphs = comment.strip().split("\n\n")
    return "\n\n".join(" ".join(line.strip() for line in text.splitlines()) for text in paragraphs)
