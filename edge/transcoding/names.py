"""JSON names of enum values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from google.protobuf.descriptor import EnumDescriptor

EnumNames: TypeAlias = Callable[[EnumDescriptor], Mapping[int, str]]
"""The JSON names of an enum's values by number, without the value that stands for none."""

_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def short_names(descriptor: EnumDescriptor) -> dict[int, str]:
    """The values' own names in lower case without the enum's name: `WEBHOOK_STATUS_ENABLED`, `enabled`."""
    prefix = _WORD_END.sub("_", descriptor.name).upper() + "_"
    return {
        value.number: value.name.removeprefix(prefix).lower() for value in descriptor.values if value.number
    }
