"""Whether this process has the secret that the store's secrets were sealed with."""

from cryptography.exceptions import InvalidTag
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.db.schema import installation
from server.db.upsert import upserting
from server.sealing import Seal
from server.settings import SettingsError

_NAME = "secret"
_CONTEXT = "installation:secret"


async def check_secret(connection: AsyncConnection, seal: Seal) -> None:
    """Seals a mark into a new store; in a store that has one, opens it.

    Raises `SettingsError` if it was sealed with another secret: mail could not be signed, webhooks not be
    called, and sessions of other processes would be refused.
    """
    values = {"name": _NAME, "value": seal.seal(_NAME.encode(), _CONTEXT)}
    # Several processes may start on a new store at once: the first one's mark counts for all.
    insert = upserting(connection.dialect.name, installation)
    await connection.execute(insert.values(values).on_conflict_do_nothing())
    query = select(installation.c.value).where(installation.c.name == _NAME)
    mark = (await connection.execute(query)).scalar_one()
    try:
        seal.open(mark, _CONTEXT)
    except InvalidTag:
        raise SettingsError(
            "ZIDIMAIL_SECRET (or the file `secret` in ZIDIMAIL_DATA_DIR) is not the one that this store was "
            "made with. Give every process of the installation the same secret."
        ) from None
