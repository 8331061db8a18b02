"""Limits of a new account under slow start: Z-46."""

from pathlib import Path

from tests.harness.stack import Stack
from tests.rest.conftest import client
from tests.rest.golden import Golden


def test_new_account_has_the_slow_start_limit(tmp_path: Path, golden: Golden) -> None:
    """Z-8, Z-46, C-47, F-9."""
    email = {"from": "a@mail.example.com", "to": "ada@example.org", "subject": "Hello", "text": "Hello."}
    with (
        Stack(tmp_path, env={"ZIDIMAIL_SLOW_START": "1,100"}) as stack,
        client(stack, stack.api_key) as api,
    ):
        assert api.post("/v1/emails", json=email).headers["ratelimit-limit"] == "1"
        golden.check("errors/warm-up", api.post("/v1/emails", json=email))
        assert api.get("/v1/usage").json()["daily"]["limit"] == 1
