"""The table of formats fits the column that names one of them."""

from sqlalchemy import String

from server.db.tables.webhooks import webhooks
from server.webhooks.formats.table import FORMATS

COLUMN = webhooks.c.format


def test_the_format_of_a_new_webhook_is_in_the_table() -> None:
    assert COLUMN.server_default is not None
    assert COLUMN.server_default.arg in FORMATS  # type: ignore[attr-defined]


def test_each_name_fits_into_the_column() -> None:
    assert isinstance(COLUMN.type, String)
    assert COLUMN.type.length is not None
    assert max(map(len, FORMATS)) <= COLUMN.type.length
