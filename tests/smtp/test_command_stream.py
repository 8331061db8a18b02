"""Any bytes are answered: no crash, no hang, no memory that grows (issue 11, "What must be shown")."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.smtp_client import Closed, SmtpClient, plain
from tests.harness.stack import Stack

ROUNDS = 300
GROWTH_KIB = 64 << 10


VERBS = st.sampled_from(
    [
        *("EHLO", "HELO", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP"),
        *("STARTTLS", "BDAT", "ehlo", "mAiL", ".", "354", "GET"),
    ]
)
ARGUMENTS = st.one_of(
    st.sampled_from(
        [
            "",
            "x",
            "FROM:<a@mail.example.com>",
            "FROM:<>",
            "FROM:<a@mail.example.com> SIZE=18446744073709551616",
            "FROM:<a@mail.example.com> SMTPUTF8 BODY=8BITMIME",
            'TO:<"a\\"b"@example.net>',
            "TO:<you@example.net>",
            "TO:<@a,@b:you@example.net> NOTIFY=NEVER ORCPT=rfc822;a+20b",
            "TO:<you@[IPv6:::1]>",
            "PLAIN",
            "PLAIN =",
            "LOGIN YXBpa2V5",
            "<" * 3000,
            '"' * 1500 + "@" * 500,
            "TO:" + "\\" * 1800,
        ]
    ),
    st.text(max_size=40),
)
ENDINGS = st.sampled_from([b"\r\n", b"\n", b"\r", b"", b"\r\n\r\n", b"\0\r\n"])
LINES = st.builds(
    lambda verb, argument, end: f"{verb} {argument}".encode("utf-8", "surrogatepass") + end,
    VERBS,
    ARGUMENTS,
    ENDINGS,
)
STREAMS = st.lists(
    st.one_of(LINES, st.binary(max_size=60), st.sampled_from([b"\r\n.\r\n", b".\r\n", b"\r\n..\r\n"])),
    max_size=25,
)


def memory_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


@pytest.mark.parametrize("is_authenticated", [False, True])
def test_any_stream_of_bytes_is_answered_to_its_end(is_authenticated: bool, relay: Stack) -> None:
    """After whatever came, the replies to NOOP and QUIT come too, unless the relay has ended the session."""
    pid = relay.relay_pid()
    before = memory_kib(pid)

    @settings(max_examples=ROUNDS, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
    @given(stream=STREAMS, cut=st.integers(1, 200))
    def talk(stream: list[bytes], cut: int) -> None:
        data = b"".join(stream)
        with SmtpClient(relay.smtp_port) as client, suppress(Closed, ConnectionError):
            client.greeted()
            if is_authenticated:
                client.command(f"AUTH PLAIN {plain(relay.api_key)}")
            for at in range(0, len(data), cut):
                client.send(data[at : at + cut])
            # Whatever state it is in: the first ends a message, the second an exchange of AUTH.
            client.send(b"\r\n.\r\n*\r\nQUIT\r\n")
            while client.reply().code != 221:
                pass

    talk()
    assert relay.relay_pid() == pid
    with SmtpClient(relay.smtp_port) as client:
        assert client.greeted().code == 250
    assert memory_kib(pid) - before < GROWTH_KIB
    assert "Traceback" not in relay.log("relay")
