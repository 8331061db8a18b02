"""The programs of `docs/clients` do each step that they show, and the server agrees."""

from pathlib import Path

from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server


def test_the_program_of_the_guide_does_every_step(guide: Guide, built: Path, server: Server) -> None:
    guide.prove(built, server)
