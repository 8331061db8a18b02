"""The contacts and lists of the matrix's two organisations."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.world import World

Fields = dict[str, Any]


class Contacts:
    """Contacts and lists of both organisations."""

    def __init__(self, world: World) -> None:
        self._world = world

    def new(self, *list_ids: str) -> Fields:
        """A new contact of A's."""
        fields = {"email": self._world.new_address(), "contact_list_ids": list_ids}
        made: Fields = self._world.made("ContactsService.CreateContact", fields, self._world.a.jwt)["contact"]
        return made

    def new_list(self) -> str:
        """The id of a new list of A's."""
        return self._new_list(self._world.a.jwt, "To delete")

    @cached_property
    def list_id(self) -> str:
        """The id of a list of A's."""
        return self._new_list(self._world.a.jwt)

    @cached_property
    def one(self) -> Fields:
        """A contact of A's in its list."""
        return self.new(self.list_id)

    @cached_property
    def b_list_id(self) -> str:
        """The id of a list of B's."""
        return self._new_list(self._world.b.jwt)

    @cached_property
    def b_id(self) -> str:
        """The id of a contact of B's, which is in B's list."""
        fields = {"email": self._world.new_address(), "contact_list_id": self.b_list_id}
        made = self._world.made("ContactsService.CreateContact", fields, self._world.b.jwt)
        return str(made["contact"]["id"])

    @cached_property
    def send_id(self) -> str:
        """The id of a send of A's to a list without members."""
        made = self._world.made("ContactsService.SendToContactList", self.send(), self._world.a.jwt)
        return str(made["contact_list_send"]["id"])

    def send(self) -> Fields:
        """A send to a list of A's, which has no members."""
        return {
            "contact_list_id": self.empty_list_id,
            "from": f"a@{self._world.a.domain}",
            "subject": "Secret",
            "text": "x",
        }

    @cached_property
    def empty_list_id(self) -> str:
        """The id of a list of A's without members."""
        return self._new_list(self._world.a.jwt)

    def _new_list(self, session: str, name: str = "Secret") -> str:
        made = self._world.made("ContactsService.CreateContactList", {"name": name}, session)
        return str(made["contact_list"]["id"])
