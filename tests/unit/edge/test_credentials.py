"""Several credentials in one request are none (contract row C-91)."""

import httpx
import pytest

from tests.unit.edge.server import EmailServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY, OTHER = ("authorization", "Bearer key"), ("authorization", "Bearer other")
COOKIE = ("cookie", "a=b; zm_token=session")
OURS, FOREIGN = ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")


async def credential(edge: str, emails: EmailServer, *headers: tuple[str, str]) -> object:
    """The credential with which the server was called; None if it was not."""
    async with httpx.AsyncClient(base_url=edge) as client:
        await client.post("/v1/emails", json={"subject": "s"}, headers=list(headers))
    return emails.metadata[0].get("authorization") if emails.metadata else None


async def test_one_credential_is_passed_on(edge: str, emails: EmailServer) -> None:
    assert await credential(edge, emails, KEY) == "Bearer key"
    emails.forget()
    assert await credential(edge, emails, COOKIE, OURS) == "Bearer session"
    emails.forget()
    assert await credential(edge, emails, KEY, COOKIE, FOREIGN) == "Bearer key"


@pytest.mark.parametrize(
    "headers",
    [
        (KEY, OTHER),
        (KEY, KEY),
        (KEY, COOKIE, OURS),
        (COOKIE, ("cookie", "zm_token=of-another-host"), OURS),
        (("cookie", "zm_token=one; zm_token=two"), OURS),
    ],
)
async def test_several_are_passed_on_as_one_that_nobody_has(
    edge: str, emails: EmailServer, headers: tuple[tuple[str, str], ...]
) -> None:
    """The server refuses a value with a comma, whatever its parts are worth alone."""
    given = await credential(edge, emails, *headers)
    assert isinstance(given, str)
    assert given.count(", Bearer ") == 1
