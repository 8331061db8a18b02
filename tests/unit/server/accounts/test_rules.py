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
    ("text", "said"),
    [
        ("", "is required"),
        (" ", "is required"),
        # The texts of the library end with a full stop, those of violations stand within a sentence.
        ("owner", "is not an email address: An email address must have an @-sign"),
    ],
)
def test_refusal_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        owner_address(text)
    assert [(each.field, each.description) for each in refused.value.violations] == [("email", said)]


@pytest.mark.parametrize(
    "text", ["", "owner", "@example.com", "a@b@example.com", "a@example.com\r\nX: y", "a@localhost"]
)
def test_invalid_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed):
        owner_address(text)
