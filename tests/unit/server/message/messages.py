"""Messages for the tests of this folder: one plain one, and strategies for all the others."""

import string
from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st

from server.addresses import Mailbox
from server.message.compose import Message

PLAIN = Message(
    sender=Mailbox("Ada", "ada", "sender.test"),
    to=(Mailbox("", "bob", "receiver.test"),),
    subject="Your receipt",
    message_id="<665f1c2a9b3e4d5f6a7b8c9d@sender.test>",
    date_ms=1_800_000_000_000,
    text="Thank you.\n",
    headers={},
)

ATEXT = string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-"


# No surrogates: they are no characters, and no request can hold one.
characters = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
line = st.text(characters, max_size=200).map(lambda text: text.strip(" \t"))
ascii_line = st.text(string.printable[:95], max_size=200).map(lambda text: text.strip(" \t"))
subject = st.one_of(line, ascii_line).filter(bool)
name = st.one_of(st.text(characters, max_size=64), st.text(string.printable[:95], max_size=64)).map(str.strip)
local = st.from_regex(rf"[{'A-Za-z0-9!#$%&*+/=?^_{|}~-'}]{{1,20}}(\.[A-Za-z0-9]{{1,10}})?", fullmatch=True)
domain = st.sampled_from(["receiver.test", "mail.example.com", "xn--bcher-kva.test"])
mailbox = st.builds(Mailbox, name, local, domain)
mailboxes = st.lists(mailbox, min_size=1, max_size=6).map(tuple)
text = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=600)

messages = st.builds(
    Message,
    sender=mailbox,
    to=mailboxes,
    cc=st.one_of(st.just(()), mailboxes),
    reply_to=st.one_of(st.just(()), mailboxes),
    subject=subject,
    message_id=st.just(PLAIN.message_id),
    date_ms=st.integers(0, 4_000_000_000_000),
    text=st.one_of(st.none(), text),
    html=text,
    headers=st.dictionaries(st.sampled_from(["X-Campaign", "X-Note", "Feedback-ID"]), subject, max_size=3),
)

plain_with: Callable[..., Message] = lambda **changes: replace(PLAIN, **changes)  # noqa: E731
