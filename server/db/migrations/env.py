"""Run by Alembic: connects to the store and applies the versions in one transaction."""

from alembic import context
from sqlalchemy import event, make_url, text

from server.db.engines import engine_of
from server.db.schema import metadata

# Any number that no other program locks in this database: "zidi" in ASCII.
_LOCK = 0x7A696469
_url = make_url(context.config.attributes["url"])
_engine = engine_of(_url)
if _url.get_backend_name() == "sqlite":

    @event.listens_for(_engine, "connect")
    def _write_ahead(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute("PRAGMA journal_mode=WAL")


with _engine.connect() as _connection:
    context.configure(connection=_connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        if _connection.dialect.name == "postgresql":
            # Programs that start at once wait here for the first of them, and find nothing left to do.
            _connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        context.run_migrations()
_engine.dispose()
