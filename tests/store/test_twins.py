"""A statement that forgets its organisation is found, on both engines."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Executable, delete, select, update

from server.db.schema import metadata
from server.db.tables.suppressions import suppressions
from server.db.tx import Tx
from server.db.writer import Writer, running_writer
from server.ids import new_id
from tests.harness.postgres import Postgres
from tests.harness.twins import SHARED, TWIN_ORG, changed_twins, tables_with_twins

ORG, ADDRESS = new_id(), "ada@example.org"


def test_each_table_of_organisations_has_twins_or_a_reason() -> None:
    owned = {table.name for table in metadata.sorted_tables if "org_id" in table.primary_key.columns}
    assert {table.name for table in tables_with_twins()} == owned - SHARED.keys()
    assert owned >= SHARED.keys()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store whose twins may be changed."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_with_twins")
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'store.db')}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database(request.getfixturevalue("postgres_with_twins"))
    yield url
    postgres.drop_database(url)


@pytest.fixture
async def suppressing(url: str) -> AsyncIterator[Writer]:
    """A writer of a store where an address is suppressed."""
    row = {"org_id": ORG, "address": ADDRESS, "id": new_id(), "origin": "manual", "created_at": 1}
    async with running_writer(url) as writer:
        await writer.run(Tx.change, suppressions.insert().values(row))
        yield writer


@pytest.mark.parametrize(
    ("change", "notes"),
    [
        (update(suppressions).values(origin="bounce"), ["UPDATE of suppressions"]),
        (delete(suppressions).where(suppressions.c.address == ADDRESS), ["DELETE of suppressions"]),
        (delete(suppressions).where(suppressions.c.org_id == ORG), []),
    ],
)
async def test_change_of_rows_of_another_organisation_is_noted(
    url: str, suppressing: Writer, change: Executable, notes: list[str]
) -> None:
    await suppressing.run(Tx.change, change)
    assert changed_twins(url) == notes


async def test_twin_has_the_ids_of_its_row(suppressing: Writer) -> None:
    query = select(suppressions.c.org_id).where(suppressions.c.address == ADDRESS)
    assert set(await suppressing.run(Tx.scalars, str, query)) == {ORG, TWIN_ORG}
