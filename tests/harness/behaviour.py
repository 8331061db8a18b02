"""The SMTP sink's behaviour, read from the recipient's address.

The local part, without a `+label`, says what happens; anything unknown is accepted.

| Local part | What the sink does |
|---|---|
| `ok` | accepts |
| `550-rcpt`, `451-data`, `421-dot`, ... | answers that verb with that code; 421 also hangs up |
| `drop-rcpt`, `drop-data`, `drop-dot` | hangs up instead of answering that verb; nothing is recorded |
| `drop-in-data` | hangs up in the middle of the message |
| `drop-after-dot` | takes and records the message, then hangs up instead of answering |
| `hang-dot`, `hang-rcpt-5` | never answers that verb, or after that many seconds |
| `garbage-rcpt`, `endless-rcpt` | answers with bytes that are no reply, or with one without end |
| `tarpit` | from then on sends its replies a byte at a time |
| `greylist-2` | answers RCPT with 451 twice, then accepts |
| `partial`, `partial-552` | is accepted as the first recipient of a transaction, else 452, or 552 |
| `552-in-data`, `451-in-data` | answers with that code in the middle of the message, and hangs up |

`mail` orders (`421-mail`) are read from the sender's address, since MAIL comes before any recipient.
`data` is the answer to the command, `dot` the answer to the message.
"""

import re
from dataclasses import dataclass

ORDER = re.compile(
    r"(?P<act>\d{3}|drop|hang|garbage|endless)-(?P<verb>mail|rcpt|data|dot|in-data)(?:-(?P<seconds>[\d.]+))?"
)
SPECIAL = re.compile(r"(?P<act>drop-in-data|drop-after-dot|tarpit|greylist|partial)(?:-(?P<number>\d+))?")

ENHANCED = {"rcpt": {"5": "5.1.1", "4": "4.2.1"}, "mail": {"5": "5.7.1", "4": "4.3.2"}}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One order: `act` is a reply code or a word of the table above, `verb` where it applies."""

    act: str = "ok"
    verb: str = ""
    seconds: float | None = None
    number: int = 0

    def reply(self) -> str:
        """The reply line of an order by code."""
        kind = self.act[0]
        enhanced = ENHANCED.get(self.verb, {}).get(kind, f"{kind}.0.0")
        return f"{self.act} {enhanced} as the address asks"


ACCEPT = Behaviour()


def behaviour_of(address: str) -> Behaviour:
    """The behaviour that the address asks for."""
    local, _, _ = address.lower().rpartition("@")
    local, _, _ = local.partition("+")
    if match := SPECIAL.fullmatch(local):
        return Behaviour(match["act"], number=int(match["number"] or 1))
    if match := ORDER.fullmatch(local):
        seconds = float(match["seconds"]) if match["seconds"] else None
        return Behaviour(match["act"], match["verb"], seconds)
    return ACCEPT
