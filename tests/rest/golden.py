"""Golden files: requests with their whole answers, and the rows of the contract that they show; what
differs from run to run is replaced by its kind.

`UPDATE_GOLDEN=1` rewrites them; the change is to be reviewed like code.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import jsonschema

from edge.transcoding.routes import Route, Router

FOLDER = Path(__file__).parent / "golden"


def goldens(folder: Path = FOLDER) -> Iterator[dict[str, Any]]:
    """All golden files."""
    for path in folder.rglob("*.json"):
        yield json.loads(path.read_text())


def route_of(golden: dict[str, Any], routes: Sequence[Route]) -> Route | None:
    """The route of a golden file's request."""
    path = re.sub(r"<[^>]*>", "x", golden["request"]["path"]).partition("?")[0]
    match = Router(routes).match(path.encode())
    return None if match is None else match.routes.get(golden["request"]["method"])


SHOWN_HEADERS = (
    "allow",
    "content-type",
    "idempotent-replayed",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
    "set-cookie",
    "www-authenticate",
)
SHOWN_REQUEST_HEADERS = ("content-type", "idempotency-key", "origin", "x-batch-validation")
CREDENTIALS = {
    "Bearer zm_": "an API key",
    "Bearer zs_": "an API key",
    "Bearer zo_": "an operator token",
    "Bearer eyJ": "a session",
    "": "none",
}

LONGEST_BODY = 1000
"""Characters of a request's body that are worth reading."""

ROW = re.compile(r"\b[ZSVCF]-\d+\b|section D")

SECURITY_HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

Volatile = Sequence[tuple[re.Pattern[str], str]]
"""Texts that differ from run to run, and what stands for them."""

# In this order: a secret holds what looks like an id.
VOLATILE = [
    (re.compile(r"(?:zm_live|zm_test|zs)_[0-9a-f]{24}_\w+"), "<api key>"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<session>"),
    (re.compile(r"(?<=Max-Age=)[1-9]\d*"), "<seconds>"),
    (re.compile(r"\b[0-9a-f]{24}_[\w-]{43}"), "<token>"),
    (re.compile(r'(?<="token": ")[\w-]{80,}'), "<token>"),
    (re.compile(r"\b[A-Z2-7]{32}\b"), "<secret>"),
    (re.compile(r"\bI-[0-9A-F]{12}\b"), "<subscription>"),
    (re.compile(r'(?<="code": ")(?:\d{6}|[\w-]{22})(?=")'), "<code>"),
    (re.compile(r"(?:(?<=zm_oidc=)|(?<=nonce=)|(?<=code_challenge=))[\w-]{43}"), "<secret>"),
    (re.compile(r"\b(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\b"), "<recovery code>"),
    (re.compile(r"erased-[0-9a-f]{32}@erased\.invalid"), "<stand-in>"),
    (re.compile(r"whsec_[A-Za-z0-9+/=]{32}"), "<webhook secret>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"p=[A-Za-z0-9+/=]{40,}"), "p=<public key>"),
    (re.compile(r"\bzm\w+(?=[re]\._domainkey)"), "<selector>"),
    (re.compile(r'(?<="duration_ms": )\d+'), "0"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "<date>"),
    (re.compile(r'(?<="duration_ms": )\d+'), "0"),
    (re.compile(r'(?<="ratelimit-reset": ")\d+'), "<seconds>"),
    (re.compile(r'(?<="retry-after": ")\d+'), "<seconds>"),
    (re.compile(r"(?<=//127\.0\.0\.1:)\d{4,5}"), "<port>"),
]
ID = re.compile(r"[0-9a-f]{24}")
CURSOR = re.compile(r'("(?:next_)?cursor": )"[^"]*"')


class Description:
    """The OpenAPI document of the edge, to hold answers against."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operations)
            for path, operations in sorted(document["paths"].items(), key=lambda entry: "{" in entry[0])
        ]

    def check(self, answer: httpx.Response) -> None:
        """Fails if the answer's status or body is not as described; unknown routes have errors alone."""
        responses = self._responses(answer.request)
        schema: dict[str, Any] = {"$ref": "#/components/schemas/Error"}
        if responses is not None:
            assert str(answer.status_code) in responses, f"{answer.status_code} is not described"
            response = responses[str(answer.status_code)]
            if "$ref" not in response:
                schema = response["content"]["application/json"]["schema"]
        whole = {**schema, "components": self.document["components"]}
        jsonschema.Draft202012Validator(whole).validate(answer.json())

    def _responses(self, request: httpx.Request) -> dict[str, Any] | None:
        for path, operations in self._paths:
            if path.fullmatch(request.url.path):
                operation = operations.get(request.method.lower())
                return None if operation is None else dict(operation["responses"])
        return None


class Golden:
    """Answers against files. `story` is the docstring of the test, which names the rows."""

    def __init__(
        self, description: Description, story: str | None, folder: Path = FOLDER, volatile: Volatile = ()
    ) -> None:
        self._description = description
        self._folder = folder
        self._volatile = (*VOLATILE, *volatile)
        self._rows = sorted(set(ROW.findall(story or "")))

    def check(self, name: str, answer: httpx.Response) -> None:
        """Compares a request and its whole answer with `golden/NAME.json`; see `check_answer`."""
        self.check_answer(answer)
        assert self._rows, f"the test of {name} names no row of the contract"
        path = self._folder / f"{name}.json"
        shown = _text(
            self._volatile,
            {"rows": self._rows, "request": _request(answer.request), "answer": _answer(answer)},
        )
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shown)
        assert path.exists(), f"{path.name} is new: look at it, then write it with UPDATE_GOLDEN=1\n{shown}"
        assert shown == path.read_text()

    def check_same(self, name: str, answer: httpx.Response) -> None:
        """Compares the answer to another request with the one in `golden/NAME.json`."""
        self.check_answer(answer)
        kept = json.loads((self._folder / f"{name}.json").read_text())["answer"]
        volatile = self._volatile
        assert json.loads(_text(volatile, _answer(answer))) == json.loads(_text(volatile, kept))

    def check_answer(self, answer: httpx.Response) -> None:
        """Holds an answer against its description, and looks for the headers that every answer has."""
        for header, value in SECURITY_HEADERS.items():
            assert answer.headers[header] == value
        assert answer.headers["x-request-id"]
        self._description.check(answer)


def _request(request: httpx.Request) -> dict[str, Any]:
    given = request.headers.get("authorization", "")
    credential = next(kind for begin, kind in CREDENTIALS.items() if given.startswith(begin))
    shown: dict[str, Any] = {
        "method": request.method,
        "path": request.url.raw_path.decode(),
        "credential": credential,
    }
    headers = {name: request.headers[name] for name in SHOWN_REQUEST_HEADERS if name in request.headers}
    if headers.get("content-type") == "application/json":
        del headers["content-type"]
    if headers:
        shown["headers"] = headers
    if request.content:
        text = request.content.decode("utf-8", "backslashreplace")
        try:
            shown["body"] = json.loads(text) if len(text) <= LONGEST_BODY else f"<{len(text)} characters>"
        except json.JSONDecodeError:
            shown["body"] = text
    return shown


def _answer(answer: httpx.Response) -> dict[str, Any]:
    headers = {name: answer.headers[name] for name in SHOWN_HEADERS if name in answer.headers}
    return {"status": answer.status_code, "headers": headers, "body": answer.json()}


def _text(volatile: Volatile, value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    for pattern, kind in volatile:
        text = pattern.sub(kind, text)
    text = CURSOR.sub(r'\1"<cursor>"', text)
    ids: dict[str, str] = {}
    return ID.sub(lambda match: ids.setdefault(match[0], f"<id {len(ids) + 1}>"), text)
