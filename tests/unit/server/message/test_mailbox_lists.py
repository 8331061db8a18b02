"""Lists of mailboxes as mail programs write them (RFC 5322 section 3.4, RFC 2047)."""

import pytest

from server.addresses import mailbox
from server.message.mailbox_lists import mailbox_texts


@pytest.mark.parametrize("sign", [":", "(", ")", ";", "[", ",", "a@b.test,"])
def test_signs_in_an_encoded_word_are_text(sign: str) -> None:
    """C-54: some libraries leave them as they are, and they begin neither a group nor a comment."""
    first, second = mailbox_texts(f"=?utf-8?q?Shop{sign}_Wien?= <shop@x.test>, ada@x.test")
    assert mailbox(first).name == f"Shop{sign} Wien"
    assert second == "ada@x.test"


def test_half_an_encoded_word_is_read_as_a_list() -> None:
    texts = mailbox_texts("=?utf-8?q?Team: a@x.test, =b= <b@x.test>; c@x.test (?=)")
    assert [mailbox(text).address for text in texts] == ["a@x.test", "b@x.test", "c@x.test"]
