"""Every method of the contract with its REST route, read from the descriptors."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass

import zidimail.v1
from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

# Fields that name an object or a place in an organisation's data.
REFERENCES = frozenset({"id", "id_or_email", "after", "before"})


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC: `name` is `Service.Method`; `verb` and `path` are None when it has no REST route. `body` is
    the field that is the route's body as it comes, if it is no JSON."""

    name: str
    descriptor: MethodDescriptor
    verb: str | None
    path: str | None
    body: str | None = None

    @property
    def grpc_path(self) -> str:
        """The path of the call."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def references(self) -> set[str]:
        """The request's fields by which a caller can point at an object or a place in a list."""
        return {
            field.name
            for field in self.descriptor.input_type.fields
            if field.type == FieldDescriptor.TYPE_STRING
            and (field.name in REFERENCES or field.name.endswith("_id"))
        }


def _methods() -> Iterator[Method]:
    for module in pkgutil.iter_modules(zidimail.v1.__path__, "zidimail.v1."):
        if not module.name.endswith("_pb2"):
            continue
        file = importlib.import_module(module.name).DESCRIPTOR
        for service in file.services_by_name.values():
            for method in service.methods:
                rule = method.GetOptions().Extensions[annotations_pb2.http]
                verb = rule.WhichOneof("pattern")
                path = getattr(rule, verb) if verb else None
                body = rule.body if rule.body not in ("", "*") else None
                yield Method(f"{service.name}.{method.name}", method, verb and verb.upper(), path, body)


METHODS = {method.name: method for method in _methods()}
