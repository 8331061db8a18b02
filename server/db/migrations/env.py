"""Run by Alembic: connects to the store and applies the versions in one transaction."""

from alembic import context
from sqlalchemy import event, make_url

from server.db.engines import engine_of
from server.db.schema import metadata

_url = make_url(context.config.attributes["url"])
_engine = engine_of(_url)
if _url.get_backend_name() == "sqlite":

    @event.listens_for(_engine, "connect")
    def _write_ahead(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute("PRAGMA journal_mode=WAL")


with _engine.connect() as _connection:
    context.configure(connection=_connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
_engine.dispose()
