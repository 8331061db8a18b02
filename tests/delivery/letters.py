"""Messages for transports, and a record of the hooks that they called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.delivery.smtp.target import Timeouts
from server.delivery.transport import LeaseLost, OutgoingMessage
from server.delivery.verdict import Outcome
from server.settings import Settings

CONTENT = b"From: shop@sender.test\r\nSubject: s\r\nMessage-ID: <1@sender.test>\r\n\r\n.dot\r\n..\r\nend\r\n"
# Long enough for a loaded machine, short enough to be waited for.
SHORT = Timeouts(connect=5, greeting=5, mail=5, rcpt=5, data=5, block=5, dot=5, tls=5)
IMPATIENT = Timeouts(connect=0.2, greeting=0.2, mail=0.2, rcpt=0.2, data=0.2, block=0.2, dot=0.2, tls=0.2)


def letter(
    content: bytes = CONTENT, *, sender: str = "shop@sender.test", needs_utf8: bool = False
) -> OutgoingMessage:
    return OutgoingMessage("org", "email", sender, content, needs_utf8)


def settings(transport: str, **changes: object) -> Settings:
    return Settings(data_dir=Path("/"), database_url="", secret="", transport=transport, **changes)  # type: ignore[arg-type]


@dataclass
class Dots:
    """`CommitHooks` that note their calls, and refuse if `lost`."""

    lost: bool = False
    before_: list[list[int]] = field(default_factory=list)
    withdrawn_: list[list[int]] = field(default_factory=list)
    after_: list[dict[int, Outcome]] = field(default_factory=list)

    async def before_mail(self, numbers: Sequence[int]) -> Mapping[int, Outcome]:
        return {}

    async def before_commit(self, numbers: Sequence[int]) -> None:
        self.before_.append(list(numbers))
        if self.lost:
            raise LeaseLost

    def commit_withdrawn(self, numbers: Sequence[int]) -> None:
        self.withdrawn_.append(list(numbers))

    def after_commit(self, outcomes: Mapping[int, Outcome]) -> None:
        self.after_.append(dict(outcomes))
