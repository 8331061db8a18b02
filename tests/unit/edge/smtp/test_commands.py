"""The grammar of commands, as wide as programs in use need it, and no wider (RFC 5321 section 4.1)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.smtp import commands
from edge.smtp.commands import Address
from edge.smtp.replies import Refusal

SENDERS = {
    "FROM:<a@mail.example.com>": Address("a", "mail.example.com"),
    "from: <a@mail.example.com>": Address("a", "mail.example.com"),
    "FROM:a@mail.example.com": Address("a", "mail.example.com"),
    "FROM:<@one.example,@two.example:a@mail.example.com>": Address("a", "mail.example.com"),
    'FROM:<"a b\\"@c"@mail.example.com>': Address('"a b\\"@c"', "mail.example.com"),
    "FROM:<a@[192.0.2.1]> SIZE=10 BODY=8BITMIME": Address("a", "[192.0.2.1]"),
    "FROM:<> RET=HDRS ENVID=QQ+2B314159": None,
}
WRONG_SENDERS = {
    "": "501 5.5.4",
    "FROM": "501 5.5.4",
    "TO:<a@mail.example.com>": "501 5.5.4",
    "FROM:": "553 5.1.7",
    "FROM:<a@mail.example.com": "553 5.1.7",
    "FROM:<a@mail.example.com>SIZE=10": "553 5.1.7",
    "FROM:<a@b@mail.example.com>": "553 5.1.7",
    "FROM:<a b@mail.example.com>": "553 5.1.7",
    "FROM:<a@>": "553 5.1.7",
    "FROM:<@mail.example.com>": "553 5.1.7",
    f"FROM:<{'a' * 65}@mail.example.com>": "553 5.1.7",
    f"FROM:<a@{'b' * 256}>": "553 5.1.7",
    "FROM:<ä@mail.example.com>": "553 5.6.7",
    "FROM:<a@mail.example.com> SIZE": "501 5.5.4",
    "FROM:<a@mail.example.com> SIZE=-1": "501 5.5.4",
    "FROM:<a@mail.example.com> SIZE=١": "501 5.5.4",
    "FROM:<a@mail.example.com> SMTPUTF8=YES": "501 5.5.4",
    "FROM:<a@mail.example.com> ENVID=+2b": "501 5.5.4",
    "FROM:<a@mail.example.com> NOTIFY=NEVER": "555 5.5.4",
    "FROM:<a@mail.example.com> X=1": "555 5.5.4",
    "FROM:<a@mail.example.com> RET=": "501 5.5.4",
    "FROM:<a@mail.example.com> ENVID=a=b": "501 5.5.4",
    "FROM:<a@mail.example.com> =": "555 5.5.4",
}


@pytest.mark.parametrize("argument", SENDERS)
def test_sender_is_read(argument: str) -> None:
    assert commands.mail(argument).sender == SENDERS[argument]


@pytest.mark.parametrize("argument", WRONG_SENDERS)
def test_wrong_sender_is_refused(argument: str) -> None:
    with pytest.raises(Refusal) as raised:
        commands.mail(argument)
    assert f"{raised.value.reply.code} {raised.value.reply.status}" == WRONG_SENDERS[argument]


def test_announced_size_is_a_number() -> None:
    assert commands.mail("FROM:<a@mail.example.com> size=1048576").size == 1_048_576
    assert commands.mail("FROM:<a@mail.example.com>").size is None


@pytest.mark.parametrize(
    "parameters",
    [
        "NOTIFY=NEVER",
        "NOTIFY=SUCCESS,FAILURE",
        "notify=delay ORCPT=rfc822;you@example.net",
        "ORCPT=utf-8;jörg@example.net",
    ],
)
def test_parameters_of_a_recipient_are_accepted(parameters: str) -> None:
    """RFC 3461: Nodemailer gives them."""
    recipient = commands.rcpt(f"TO:<you@example.net> {parameters}", utf8=False)
    assert recipient == Address("you", "example.net")


@pytest.mark.parametrize("name", ["m.eml", "client.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_name_of_a_client_is_kept(name: str) -> None:
    assert commands.hello(f"{name} and more") == name


@pytest.mark.parametrize("name", ["my_host(", "a;b", "<x>", "größe"])
def test_name_that_cannot_stand_in_a_header_is_left_out(name: str) -> None:
    assert commands.hello(name) == ""


@given(st.binary(max_size=300))
def test_any_line_is_read_or_refused(line: bytes) -> None:
    with suppress(Refusal):
        verb, argument = commands.command(line)
        assert verb.isupper()
        for read in (commands.mail, lambda text: commands.rcpt(text, utf8=True), commands.hello):
            for text in (argument, f"FROM:{argument}", f"TO:{argument}"):
                with suppress(Refusal):
                    read(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<", '"', "\\", "@", "@,", "a.", " ", "<@a:", '"\\', "=", "a@b "])
def test_long_line_is_refused_at_once(piece: str) -> None:
    """No expression runs away, even with a line that is longer than any that is read."""
    with pytest.raises(Refusal):
        commands.mail(f"FROM:{piece * 20_000}")
