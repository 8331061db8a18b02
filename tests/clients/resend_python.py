"""Resend's Python SDK under test: its calls, and its own types as the measure of our answers."""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, get_type_hints

import resend
from pydantic import TypeAdapter, ValidationError
from resend.suppressions.batch._suppressions_batch import SuppressionsBatch

# The methods of the SDK that map to a built feature, by class, and those that do not.
BUILT: Mapping[type, frozenset[str]] = {
    resend.Emails: frozenset({"send", "get", "list", "update", "cancel"}),
    resend.Emails.Attachments: frozenset({"list", "get"}),
    resend.Batch: frozenset({"send"}),
    resend.Domains: frozenset({"create", "get", "list", "update", "verify", "remove"}),
    resend.ApiKeys: frozenset({"create", "list", "update", "remove"}),
    resend.Webhooks: frozenset(
        {
            "create", "get", "list", "update", "remove", "rotate_signing_secret",
            "list_events", "get_event", "list_event_attempts", "replay_event", "verify",
        }
    ),
    resend.Suppressions: frozenset({"add", "get", "list", "remove"}),
    SuppressionsBatch: frozenset({"add", "remove"}),
    resend.Usage: frozenset({"get"}),
    resend.Contacts: frozenset({"create", "get", "list", "update", "remove"}),
    resend.Contacts.Segments: frozenset({"add", "list", "remove"}),
    resend.Segments: frozenset({"create", "get", "list", "update", "remove"}),
    resend.Audiences: frozenset({"create", "get", "list", "remove"}),
}  # fmt: skip
NOT_BUILT: Mapping[type, frozenset[str]] = {
    resend.Emails: frozenset({"metrics", "share"}),
}

# Fields that the SDK's types require and Resend's own answers to these methods do not have either, or that
# we keep to ourselves: a webhook's secret is shown once (Z-39), files are not kept (Z-23). Of usage we count
# mail only.
ABSENT: Mapping[str, frozenset[str]] = {
    "Emails.list": frozenset({"html", "text"}),
    "Attachments.list": frozenset({"download_url", "expires_at"}),
    "Attachments.get": frozenset({"download_url", "expires_at"}),
    "Domains.get": frozenset({"deleted"}),
    "Domains.list": frozenset({"deleted", "records"}),
    "Domains.update": frozenset({"name", "created_at", "status", "region", "records", "deleted"}),
    "Domains.verify": frozenset({"name", "created_at", "status", "region", "records", "deleted"}),
    "Domains.remove": frozenset({"name", "created_at", "status", "region", "records"}),
    "Webhooks.get": frozenset({"signing_secret"}),
    "Webhooks.list": frozenset({"signing_secret"}),
    "Usage.get": frozenset(
        {"contacts", "segments", "broadcasts", "ai_credits", "automation_runs", "domains", "rate_limit"}
    ),
}


# Classes whose own names do not tell them apart.
NAMES: Mapping[str, type] = {"Contacts.Segments": resend.Contacts.Segments, "Segments": resend.Segments}


def methods_of(kind: type) -> frozenset[str]:
    """The calls of one class of the SDK; its asynchronous twins are not counted twice."""
    return frozenset(
        name
        for name in dir(kind)
        if isinstance(inspect.getattr_static(kind, name), classmethod)
        and not name.startswith("_")
        and not name.endswith("_async")
    )


class Sdk:
    """The SDK with one credential: calls its methods, and remembers which."""

    def __init__(self, key: str, *, asynchronous: bool) -> None:
        self._key = key
        self._asynchronous = asynchronous
        self.called: set[str] = set()

    @property
    def label(self) -> str:
        """A label in the names of objects, different for each variant."""
        return "async" if self._asynchronous else "sync"

    @contextmanager
    def using(self, key: str) -> Iterator[None]:
        """While this lasts, the calls have another credential."""
        before, self._key = self._key, key
        try:
            yield
        finally:
            self._key = before

    async def __call__(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """The answer of a method, which has the form that the SDK's own types promise."""
        resend.api_key = self._key
        if self._asynchronous:
            bound: Any = method
            answer = await getattr(bound.__self__, f"{method.__name__}_async")(*arguments)
        else:
            answer = await asyncio.to_thread(method, *arguments)
        self.called.add(name_of(method))
        wrong = _deviations(method, answer)
        assert not wrong, wrong
        return answer


def name_of(method: Callable[..., Any]) -> str:
    """The name of a method, by which `called` knows it; two classes of the SDK are named `Segments` alike."""
    kind: Any = method
    names = [each for each, known in NAMES.items() if known is kind.__self__]
    return f"{names[0]}.{method.__name__}" if names else method.__qualname__


def _deviations(method: Callable[..., Any], answer: Any) -> list[str]:
    """The deviations of an answer from the SDK's types."""
    try:
        _type_of(method).validate_python(answer, strict=True)
    except ValidationError as error:
        name, found = method.__qualname__, error.errors(include_input=False)
    else:
        return []
    # A webhook's payload is one of many events: those that it does not claim to be say nothing about it.
    others = {
        each["loc"][:-1] for each in found if each["type"] == "literal_error" and each["loc"][-1] == "type"
    }
    return [
        f"{name}: {'.'.join(map(str, each['loc']))}: {each['msg']}"
        for each in found
        if not any(each["loc"][: len(other)] == other for other in others)
        and not (each["type"] == "missing" and each["loc"][-1] in ABSENT.get(name, ()))
    ]


@cache
def _type_of(method: Callable[..., Any]) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(method)["return"])
