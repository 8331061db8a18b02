"""Second factors in the store."""

from collections.abc import Iterable

from sqlalchemy import delete, func, insert, or_, select, update

from server.db.tables.accounts import recovery_codes, users
from server.db.tx import Tx


def begin(tx: Tx, user_id: str, sealed: bytes) -> bool:
    """Stores a secret that does not count yet; False if the user has a second factor already."""
    this = (users.c.id == user_id, users.c.totp_since.is_(None))
    changed = tx.change(update(users).where(*this).values(totp_secret=sealed, totp_step=None))
    return changed == 1


def activate(tx: Tx, user_id: str, sealed: bytes, step: int, hashes: Iterable[str], now_ms: int) -> bool:
    """Lets the secret count from now on, with these recovery codes; False if it is another one by now."""
    this = (users.c.id == user_id, users.c.totp_since.is_(None), users.c.totp_secret == sealed)
    if tx.change(update(users).where(*this).values(totp_since=now_ms, totp_step=step)) != 1:
        return False
    replace_recovery_codes(tx, user_id, hashes)
    return True


def replace_recovery_codes(tx: Tx, user_id: str, hashes: Iterable[str]) -> None:
    """Stores the recovery codes of a user in place of the earlier ones."""
    tx.change(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    tx.change(insert(recovery_codes), [{"user_id": user_id, "code_hash": hash} for hash in hashes])


def count_recovery_codes(tx: Tx, user_id: str) -> int:
    """The number of recovery codes that a user has left."""
    query = select(func.count()).select_from(recovery_codes).where(recovery_codes.c.user_id == user_id)
    return tx.scalar(int, query) or 0


def deactivate(tx: Tx, user_id: str) -> None:
    """Removes the second factor of a user."""
    tx.change(
        update(users).where(users.c.id == user_id).values(totp_secret=None, totp_since=None, totp_step=None)
    )
    tx.change(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))


def use_step(tx: Tx, user_id: str, step: int) -> bool:
    """Notes the step of a code that was used; False if it, or a later one, was used meanwhile."""
    this = (users.c.id == user_id, or_(users.c.totp_step.is_(None), users.c.totp_step < step))
    return tx.change(update(users).where(*this).values(totp_step=step)) == 1


def use_recovery_code(tx: Tx, user_id: str, code_hash: str) -> bool:
    """Removes a recovery code, which works once; False if there is none."""
    this = (recovery_codes.c.user_id == user_id, recovery_codes.c.code_hash == code_hash)
    return tx.change(delete(recovery_codes).where(*this)) == 1
