"""Golden files: whole answers, with what differs from run to run replaced by its kind.

`UPDATE_GOLDEN=1` rewrites them; the change is to be reviewed like code.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema

FOLDER = Path(__file__).parent / "golden"

SHOWN_HEADERS = ("allow", "content-type", "idempotent-replayed", "retry-after", "www-authenticate")

SECURITY_HEADERS = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

# In this order: a secret holds what looks like an id.
VOLATILE = [
    (re.compile(r"zm_live_[0-9a-f]{24}_\w+"), "<api key>"),
    (re.compile(r"whsec_[A-Za-z0-9+/=]{32}"), "<webhook secret>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
    (re.compile(r"p=[A-Za-z0-9+/=]{40,}"), "p=<public key>"),
    (re.compile(r"\bzm\w+(?=[re]\._domainkey)"), "<selector>"),
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
    """Answers against files."""

    def __init__(self, description: Description) -> None:
        self._description = description

    def check(self, name: str, answer: httpx.Response) -> None:
        """Compares a whole answer with `golden/NAME.json`, its security headers and its description."""
        for header, value in SECURITY_HEADERS.items():
            assert answer.headers[header] == value
        assert answer.headers["x-request-id"]
        self._description.check(answer)
        path = FOLDER / f"{name}.json"
        shown = _shown(answer)
        if os.environ.get("UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(shown)
        assert path.exists(), f"{path.name} is new: look at it, then write it with UPDATE_GOLDEN=1\n{shown}"
        assert shown == path.read_text()


def _shown(answer: httpx.Response) -> str:
    headers = {name: answer.headers[name] for name in SHOWN_HEADERS if name in answer.headers}
    whole = {"status": answer.status_code, "headers": headers, "body": answer.json()}
    text = json.dumps(whole, indent=2, ensure_ascii=False) + "\n"
    for pattern, kind in VOLATILE:
        text = pattern.sub(kind, text)
    text = CURSOR.sub(r'\1"<cursor>"', text)
    ids: dict[str, str] = {}
    return ID.sub(lambda match: ids.setdefault(match[0], f"<id {len(ids) + 1}>"), text)
