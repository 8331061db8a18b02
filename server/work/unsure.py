"""Changes of leases whose outcome is not known: afterwards rows may carry our name that are not held here."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.faults import Unavailable


class Unsure:
    """Counts them. Each ends its own part only, as several are made at the same time."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        """The outcome of a change is not known."""
        self.count += 1

    def made_sure(self, count: int) -> None:
        """After this number of changes the rows that are not held were found and brought back."""
        self.count -= count

    @contextmanager
    def change(self) -> Iterator[None]:
        """A change, whose outcome is known if the block does not raise `Unavailable` and is not cancelled."""
        self.count += 1
        is_known = False
        try:
            yield
            is_known = True
        except Exception as error:
            is_known = not isinstance(error, Unavailable)
            raise
        finally:
            self.count -= is_known
