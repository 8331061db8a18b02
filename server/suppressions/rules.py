"""The meaning of a bounce for the address it came from (RFC 3463, RFC 5248; DELIVERY row 27), and the
addresses that stand in place of erased ones.
"""

import hmac
import re
from typing import Literal

# The cause of a permanent failure: the mailbox, unclear, or something else.
Blame = Literal["mailbox", "unclear", "other"]

# Two bounces that do not say why count like one that says that the mailbox does not exist.
UNCLEAR_WITHIN_MS = 72 * 3600 * 1000

_PERMANENT = re.compile(r"5\.\d{1,3}\.\d{1,3}\Z")
_NO_MAILBOX = frozenset(("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"))
# Full or too small a mailbox, an ambiguous address, a sender's address that is wrong; then a command that was
# not understood, and too many recipients (5.5.3): only 5.5.0 is also said of mailboxes.
_OTHER = frozenset(
    (
        *("5.1.4", "5.1.7", "5.1.8", "5.1.9", "5.2.2", "5.2.3", "5.2.4"),
        *("5.5.1", "5.5.2", "5.5.3", "5.5.4", "5.5.5", "5.5.6"),
    )
)
# Microsoft says this of addresses that its directory does not have; its 5.4.1 means a network otherwise.
_NOT_IN_DIRECTORY = re.compile(r"recipient address(?:es)? rejected\s*:\s*access denied", re.IGNORECASE)
# The mail system, the network, the message's content, policy and authentication.
_OTHER_SUBJECTS = ("5.3.", "5.4.", "5.6.", "5.7.")
# Receivers refuse unwanted mail with various codes; the text of the reply shows the cause.
_UNWANTED = re.compile(
    r"spam|(?:black|block|deny)[ -]?list|blocked|dnsbl|\brbl\b"
    r"|reputation|\bpolicy\b|virus|dmarc|\bspf\b|dkim",
    re.IGNORECASE,
)


def is_permanent(enhanced_status: str) -> bool:
    """True for an enhanced status code of a permanent failure."""
    return _PERMANENT.match(enhanced_status) is not None


def blames_mailbox(enhanced_status: str, text: str) -> bool:
    """True for a bounce whose cause is the mailbox, or may be: nothing else is named."""
    return blame(enhanced_status, text) != "other"


def blame(enhanced_status: str, text: str) -> Blame:
    """The cause of a bounce with this enhanced status code and this text."""
    if enhanced_status == "5.4.1" and _NOT_IN_DIRECTORY.search(text):
        return "mailbox"
    if (
        not is_permanent(enhanced_status)
        or enhanced_status in _OTHER
        or enhanced_status.startswith(_OTHER_SUBJECTS)
        or _UNWANTED.search(text)
    ):
        return "other"
    return "mailbox" if enhanced_status in _NO_MAILBOX else "unclear"


def stand_in(key: bytes, address: str) -> str:
    """The address that stands in place of an erased one, in lower case (F-13): a keyed hash of it.

    It shows who was erased to nobody without the key, and no mail reaches it (RFC 2606).
    """
    return f"erased-{hmac.digest(key, address.encode(), 'sha256').hex()[:32]}@erased.invalid"
