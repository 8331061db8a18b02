"""Brings a store's schema up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from server.db.engines import engine_of


def alembic_config(url: str) -> Config:
    """Alembic's configuration for the store at `url`; no file is involved."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Applies every version that the store at `url` lacks. Blocks; run it while no server writes."""
    command.upgrade(alembic_config(url), "head")


def is_current(url: str) -> bool:
    """True if the store at `url` has every migration of this program."""
    engine = engine_of(url)
    try:
        with engine.connect() as connection:
            applied = MigrationContext.configure(connection).get_current_heads()
    finally:
        engine.dispose()
    return set(applied) == set(ScriptDirectory.from_config(alembic_config(url)).get_heads())
