"""The verbs that are refused without being looked at further."""

from __future__ import annotations

from edge.smtp.replies import Refusal, Reply, refusal

# A browser that is made to speak to this port sends its request, and what it posts, as commands.
OF_HTTP = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
IS_HTTP = Reply(421, "4.7.0", "This is a mail server, and no web server.")

_NOT_OFFERED = frozenset({"EXPN", "BDAT", "TURN", "ETRN", "ATRN", "BURL", "SEND", "SOML", "SAML"})
# Commands that need no TLS where it is required (RFC 3207 section 4).
_WITHOUT_TLS = frozenset({"EHLO", "HELO", "STARTTLS", "NOOP", "RSET", "QUIT"})
_NO_TLS = "Encryption is required: begin with STARTTLS."


def unknown(verb: str) -> Refusal:
    """The refusal of a verb that is none of ours (RFC 5321 section 4.2.4)."""
    if verb in _NOT_OFFERED:
        return refusal(502, "5.5.1", f"{verb} is not offered here.")
    return refusal(500, "5.5.2", "The command is not known.")


def check_without_tls(verb: str) -> None:
    """Raises Refusal (530, 538) for a verb that needs TLS (RFC 3207 section 4, RFC 4954 section 6)."""
    if verb == "AUTH":
        raise refusal(538, "5.7.11", _NO_TLS)
    if verb not in _WITHOUT_TLS:
        raise refusal(530, "5.7.0", _NO_TLS)
