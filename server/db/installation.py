"""The check that this process has the secret with which the store's secrets were sealed."""

from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from server.db.statements import Change
from server.db.tables.installation import installation
from server.db.tx import Tx
from server.sealing import Seal
from server.settings import SettingsError

_NAME = "secret"
_CONTEXT = "installation:secret"
# Several processes may start on a new store at once: the mark of the first counts for all.
_ADD_MARK = Change("INSERT INTO installation (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING")


def check_secret(tx: Tx, seal: Seal) -> None:
    """Seals a mark into a new store; in a store that has one, opens it.

    Raises `SettingsError` if it was sealed with another secret: mail could not be signed, webhooks not be
    called, and sessions of other processes would be refused.
    """
    _ADD_MARK.run(tx, [{"name": _NAME, "value": seal.seal(_NAME.encode(), _CONTEXT)}])
    mark = tx.scalar(bytes, select(installation.c.value).where(installation.c.name == _NAME))
    assert mark is not None
    try:
        seal.open(mark, _CONTEXT)
    except InvalidTag:
        raise SettingsError(
            "ZIDIMAIL_SECRET (or the file `secret` in ZIDIMAIL_DATA_DIR) is not the one that this store was "
            "made with. Give every process of the installation the same secret."
        ) from None
