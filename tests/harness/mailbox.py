"""The mail of the platform to one person, as the `capture` transport wrote it."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from tests.harness.waiting import until_sync

_TOKEN = re.compile(r"#token=(\S+)")


def mails_to(captured: Path, address: str) -> list[EmailMessage]:
    """The captured mails to an address, in the order in which they were accepted."""
    return [mail for mail in _mails(captured, address) if mail["To"] == address]


def mail_to(captured: Path, address: str, subject: str) -> EmailMessage:
    """The newest captured mail to an address with this subject, waited for."""

    def found() -> list[EmailMessage]:
        return [mail for mail in mails_to(captured, address) if mail["Subject"] == subject]

    until_sync(lambda: bool(found()), message=f"no mail {subject!r} to {address}")
    return found()[-1]


def token_in(mail: EmailMessage) -> str:
    """The token of the link in a mail, alike in its text and in its HTML."""
    [text] = _TOKEN.findall(body_of(mail, "plain"))
    in_html = {found.partition('"')[0].partition("<")[0] for found in _TOKEN.findall(body_of(mail, "html"))}
    assert in_html == {text}
    return str(text)


def body_of(mail: EmailMessage, subtype: str) -> str:
    """The text of a mail, `plain` or `html`."""
    part = mail.get_body((subtype,))
    assert part is not None
    content: str = part.get_content()
    return content


def _mails(captured: Path, address: str) -> Iterator[EmailMessage]:
    # The names of files that are still written begin with a dot.
    for path in sorted(captured.glob("[!.]*.eml")):
        content = path.read_bytes()
        if address.encode() in content:
            yield email.message_from_bytes(content, policy=email.policy.default)  # type: ignore[misc]
