"""A plain HTTP client of `/v1` that returns every answer, errors included."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; header names are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        """The content as JSON."""
        return orjson.loads(self.content)


class Rest:
    """Calls one edge with one credential: `async with Rest(stack.http, stack.api_key) as rest`."""

    def __init__(self, url: str, credential: str | None = None) -> None:
        self._url = url
        self._credential = credential

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request: `body` is sent as JSON, `raw` as it is."""
        sent = dict(headers or {})
        if self._credential is not None:
            sent.setdefault("Authorization", f"Bearer {self._credential}")
        if body is not None or raw is not None:
            sent.setdefault("Content-Type", "application/json")
        data = orjson.dumps(body) if body is not None else raw
        async with self._session.request(
            method, self._url + path, data=data, headers=sent, allow_redirects=False
        ) as answer:
            received = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, received, await answer.read())

    async def get(self, path: str) -> Answer:
        """GET."""
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """POST of JSON; keyword arguments are headers, `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("POST", path, {} if body is None else body, headers=named)

    async def delete(self, path: str) -> Answer:
        """DELETE."""
        return await self.call("DELETE", path)
