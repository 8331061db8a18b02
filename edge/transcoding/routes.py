"""The router from HTTP requests to methods: routes from `google.api.http` annotations, resolved at start."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from urllib.parse import unquote_to_bytes

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor

from edge.transcoding.template import Literal, Parameter, Segment, parse


class BadRoute(ValueError):
    """The annotations of a method cannot be served; says which and why."""


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP verb and path that call one method."""

    verb: str
    path: str
    segments: tuple[Segment, ...]
    method: MethodDescriptor
    body: str = ""
    """`*`: the JSON body is the request; a field's name: it is that field; empty: there is none. A field of
    the type bytes is the body as it comes. That of an upload is cut into messages, of which the first has all
    other fields."""
    response_body: str = ""
    """The field of the response that is the answer's body; empty: all of it."""

    @property
    def is_upload(self) -> bool:
        """True if the method takes a stream of requests."""
        streaming: bool = self.method.client_streaming
        return streaming

    @property
    def is_of_bytes(self) -> bool:
        """True if the body is a field of the type bytes as it comes, and no JSON."""
        field = self.method.input_type.fields_by_name.get(self.body)
        return field is not None and field.type == FieldDescriptor.TYPE_BYTES and not self.is_upload

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(segment.field for segment in self.segments if isinstance(segment, Parameter))


def services_of(package: ModuleType) -> list[ServiceDescriptor]:
    """Every service in the generated modules of a package, by name."""
    services: dict[str, ServiceDescriptor] = {}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.endswith("_pb2"):
            file = import_module(f"{package.__name__}.{module.name}").DESCRIPTOR
            services |= {service.full_name: service for service in file.services_by_name.values()}
    return [services[name] for name in sorted(services)]


def routes_of(services: Iterable[ServiceDescriptor]) -> list[Route]:
    """The routes that the services' methods are annotated with. Raises BadTemplate, BadRoute."""
    return [
        _route(method, rule) for service in services for method in service.methods for rule in _rules(method)
    ]


def _rules(method: MethodDescriptor) -> Iterator[http_pb2.HttpRule]:
    options = method.GetOptions()
    if options.HasExtension(annotations_pb2.http):
        rule = options.Extensions[annotations_pb2.http]
        yield rule
        yield from rule.additional_bindings


def _route(method: MethodDescriptor, rule: http_pb2.HttpRule) -> Route:
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom":
        raise BadRoute(f"{method.full_name}: the annotation names no verb that is served")
    if method.server_streaming:
        raise BadRoute(f"{method.full_name}: a stream of responses has no JSON form")
    path: str = getattr(rule, verb)
    route = Route(verb.upper(), path, parse(path), method, rule.body, rule.response_body)
    for name in route.parameters:
        _field(method, name, "the path parameter")
    if rule.body not in ("", "*"):
        body_type = _field(method, rule.body, "the body field").type
    if method.client_streaming and (rule.body in ("", "*") or body_type != FieldDescriptor.TYPE_BYTES):
        raise BadRoute(f"{method.full_name}: the body of an upload must be a field of the type bytes")
    if rule.response_body and rule.response_body not in method.output_type.fields_by_name:
        raise BadRoute(f"{method.full_name}: the response has no field {rule.response_body!r}")
    return route


def _field(method: MethodDescriptor, name: str, what: str) -> FieldDescriptor:
    found: FieldDescriptor | None = method.input_type.fields_by_name.get(name)
    if found is None:
        raise BadRoute(f"{method.full_name}: {what} {name!r} is no field of the request")
    return found


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """The match of a path: a route for each verb, and the values of the path's parameters."""

    routes: Mapping[str, Route]
    values: tuple[str, ...] = ()

    @property
    def allow(self) -> str:
        """The verbs for an Allow header; a HEAD is answered wherever a GET is."""
        verbs = set(self.routes)
        return ", ".join(sorted(verbs | {"HEAD"} if "GET" in verbs else verbs))


class Router:
    """Finds routes by path. A literal segment beats a parameter, whatever the verb."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises BadRoute when two routes answer the same verb and path."""
        self._root = _Node()
        self._plain: dict[bytes, Match] = {}
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.segments:
            if isinstance(segment, Literal):
                node = node.literals.setdefault(segment.text, _Node())
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
        if route.verb in node.routes:
            other = node.routes[route.verb].method.full_name
            raise BadRoute(f"{route.method.full_name} and {other} both answer {route.verb} {route.path}")
        node.routes[route.verb] = route
        if not route.parameters:
            self._plain[route.path.encode()] = Match(node.routes)

    def match(self, raw_path: bytes) -> Match | None:
        """The match of a path as it came over the wire; None if no route has this path.

        Doubled and trailing slashes do not count. Parameters come percent-decoded; bytes that are no
        UTF-8 become lone surrogates, for the binder to refuse.
        """
        plain = self._plain.get(raw_path)
        if plain is not None:
            return plain
        texts = [
            unquote_to_bytes(part).decode("utf-8", "surrogateescape") for part in raw_path.split(b"/") if part
        ]
        return _walk(self._root, texts, 0, ())


def _walk(node: _Node, texts: list[str], at: int, values: tuple[str, ...]) -> Match | None:
    if at == len(texts):
        return Match(node.routes, values) if node.routes else None
    literal = node.literals.get(texts[at])
    if literal is not None:
        found = _walk(literal, texts, at + 1, values)
        if found is not None:
            return found
    if node.parameter is not None:
        return _walk(node.parameter, texts, at + 1, (*values, texts[at]))
    return None
