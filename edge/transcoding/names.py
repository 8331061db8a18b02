"""JSON names of enum values and fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, EnumDescriptor

EnumNames: TypeAlias = Callable[[EnumDescriptor], Mapping[int, str]]
"""The JSON names of an enum's values by number, without the value that stands for none."""

_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def short_names(descriptor: EnumDescriptor) -> dict[int, str]:
    """The values' own names in lower case without the enum's name: `WEBHOOK_STATUS_ENABLED`, `enabled`."""
    prefix = _WORD_END.sub("_", descriptor.name).upper() + "_"
    return {
        value.number: value.name.removeprefix(prefix).lower() for value in descriptor.values if value.number
    }


def camel_case(descriptor: Descriptor) -> dict[str, str]:
    """The fields of a message by their names in the canonical JSON form, where those differ: `replyTo`."""
    return {field.json_name: field.name for field in descriptor.fields if field.json_name != field.name}
