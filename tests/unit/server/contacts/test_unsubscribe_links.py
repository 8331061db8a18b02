"""Links to unsubscribe: nobody reads, makes or changes their tokens (RFC 8058 section 3.1)."""

import pytest

from server.accounts.faults import LinkNotValid
from server.contacts.unsubscribe_links import Subscription, UnsubscribeLinks
from server.ids import new_id

LINKS = UnsubscribeLinks("a secret of this installation", "https://mail.example.com/")


def subscription(email: str = "ada@example.org") -> Subscription:
    return Subscription(new_id(), new_id(), new_id(), email)


def token_of(url: str) -> str:
    base, _, token = url.rpartition("/")
    assert base == "https://mail.example.com/unsubscribe"
    return token


@pytest.mark.parametrize("email", ["a@b.example", "jürgen@müller.example", f"{'a' * 64}@{'b' * 180}.example"])
def test_token_stands_for_its_recipient(email: str) -> None:
    given = subscription(email)
    assert LINKS.open(token_of(LINKS.url(given))) == given


def test_token_shows_neither_the_address_nor_the_organisation() -> None:
    given = subscription()
    url = LINKS.url(given)
    assert "ada" not in url
    assert given.org_id not in url
    assert token_of(url).replace("-", "").replace("_", "").isalnum()


def test_changed_token_is_no_token() -> None:
    token = token_of(LINKS.url(subscription()))
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(LinkNotValid):
            LINKS.open(token[:place] + other + token[place + 1 :])


def test_part_of_a_token_and_foreign_texts_are_no_tokens() -> None:
    token = token_of(LINKS.url(subscription()))
    for text in ("", token[:-4], token + "AAAA", "=", "é", "A" * 22, "A" * 100_000, f"{token}\n"):
        with pytest.raises(LinkNotValid):
            LINKS.open(text)


def test_token_of_another_installation_is_no_token() -> None:
    token = token_of(LINKS.url(subscription()))
    with pytest.raises(LinkNotValid):
        UnsubscribeLinks("another secret", "https://mail.example.com").open(token)
