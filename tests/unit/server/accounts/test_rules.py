"""The rules of an organisation's owner."""

import pytest

from server.accounts.rules import owner_address
from server.faults import ValidationFailed


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("owner@example.com", "owner@example.com"),
        ("Owner@EXAMPLE.com", "Owner@example.com"),
        ("a@b.test", "a@b.test"),
        ("ada@Bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_the_owner_has_an_address(written: str, kept: str) -> None:
    assert owner_address(written) == kept


@pytest.mark.parametrize(
    "text", ["", "owner", "@example.com", "a@b@example.com", "a@example.com\r\nX: y", "a@localhost"]
)
def test_invalid_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        owner_address(text)
