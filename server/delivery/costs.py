"""The time that it takes to build the messages of each organisation, and their order by it."""

from collections.abc import Iterable, Mapping

from server.newest import Newest
from server.queue.rows import Claimed

# Seconds for a message of an organisation that is not known, and the part of a new time in the average.
_UNKNOWN_S = 0.02
_PART_OF_NEW = 0.2
_MAX_ORGANISATIONS = 10_000
# Seconds that a list of messages takes at most; there may be one message that takes longer.
_LIST_S = 0.1


class Costs:
    """Divides the time to build messages evenly among the organisations whose messages wait."""

    def __init__(self) -> None:
        self._seconds: Newest[str, float] = Newest(_MAX_ORGANISATIONS)

    def note(self, seconds: Mapping[str, float]) -> None:
        """Notes the seconds that a message of each of these organisations has just taken."""
        for org_id, new in seconds.items():
            old = self._seconds.get(org_id, new)
            self._seconds.keep(org_id, old + _PART_OF_NEW * (new - old))

    def lists(self, rows: Iterable[Claimed], most: int) -> list[list[Claimed]]:
        """The rows in lists to be loaded one after the other, of about `most` rows; emails stay whole.

        The first emails of all organisations come first. One whose messages take ten times as long as
        another's has one for ten of the other.
        """
        emails: dict[str, dict[str, list[Claimed]]] = {}
        for row in rows:
            emails.setdefault(row.key.org_id, {}).setdefault(row.key.email_id, []).append(row)
        turns = []
        for org_id, of_org in emails.items():
            cost = self._seconds.get(org_id, _UNKNOWN_S)
            turns += [(number * cost, cost, email) for number, email in enumerate(of_org.values())]
        turns.sort(key=lambda turn: turn[:2])
        lists: list[list[Claimed]] = []
        room, left_s = 0, 0.0
        for _, cost, email in turns:
            if room <= 0 or left_s < cost:
                lists.append([])
                room, left_s = most, _LIST_S
            lists[-1] += email
            room -= len(email)
            left_s -= cost
        return lists
