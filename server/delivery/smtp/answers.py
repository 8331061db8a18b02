"""The answers of the hosts of a site to one message, and the host with which the next attempt begins."""

from collections.abc import Collection, Mapping, Sequence

from server.delivery.smtp.target import Target
from server.delivery.transport import OutgoingMessage
from server.delivery.verdict import Outcome, Verdict
from server.newest import Newest

# The most recipients whose hosts are remembered: for others an attempt begins as if it were the first.
_MAX_REMEMBERED = 50_000


class Answers:
    """The outcomes for the recipients of one attempt, as one host after the other answers.

    An outcome that is not open is final. `left` are the recipients without one.
    """

    def __init__(self, recipients: Mapping[int, str]) -> None:
        self.left = dict(recipients)
        self._final: dict[int, Outcome] = {}
        self._open: dict[int, Outcome] = {}

    def add(self, outcomes: Mapping[int, Outcome]) -> None:
        """Takes the outcomes of one host."""
        for no, outcome in outcomes.items():
            if not outcome.is_open:
                self._final[no] = outcome
                self.left.pop(no, None)
                self._open.pop(no, None)
            elif no not in self._open or _rank(outcome) >= _rank(self._open[no]):
                self._open[no] = outcome

    def result(self, otherwise: Outcome) -> dict[int, Outcome]:
        """The outcome for each recipient; `otherwise` for those that no host answered."""
        return dict.fromkeys(self.left, otherwise) | self._open | self._final


class FirstHosts:
    """The hosts with which the last attempts of recipients began that must be tried again.

    The next attempt begins with another one: a host that defers a mail often goes on to do so (contract row
    C-60). This is kept in memory only, as the hosts are tried in turn anyway.
    """

    def __init__(self) -> None:
        self._hosts: Newest[tuple[str, int], Target] = Newest(_MAX_REMEMBERED)

    def last(self, message: OutgoingMessage, recipients: Collection[int]) -> Target | None:
        """The host with which the last attempt for one of the recipients began, None if it is not known."""
        for no in recipients:
            if (message.email_id, no) in self._hosts:
                return self._hosts[message.email_id, no]
        return None

    def note(self, message: OutgoingMessage, outcomes: Mapping[int, Outcome], first: Target | None) -> None:
        """Remembers the host for the recipients with open outcomes, and forgets the others."""
        for no, outcome in outcomes.items():
            key = (message.email_id, no)
            self._hosts.pop(key, None)
            if first is not None and outcome.verdict is Verdict.DEFERRED and outcome.is_open:
                self._hosts.keep(key, first)


def others_first(targets: Sequence[Target], last: Target | None) -> list[Target]:
    """The targets in their order, but those of the host `last` at the end, its address behind the others."""
    if last is None:
        return list(targets)
    return sorted(targets, key=lambda t: (t.name == last.name) + (t.address == last.address))


def is_same_host(target: Target, last: Target | None) -> bool:
    """True for a target of the host `last`."""
    return last is not None and target.address == last.address


def _rank(outcome: Outcome) -> int:
    """A refusal for now outranks a host that cannot take the mail at all; a reply outranks silence."""
    if outcome.verdict is not Verdict.DEFERRED:
        return 0
    return 2 if outcome.code else 1
