"""Passwords are random, and only their argon2id hash remains."""

from argon2 import PasswordHasher

from server.accounts.passwords import hash_of, new_password


async def test_a_password_is_kept_as_its_argon2id_hash() -> None:
    password = new_password()
    stored = await hash_of(password)
    assert stored.startswith("$argon2id$")
    assert password not in stored
    assert PasswordHasher().verify(stored, password)


def test_no_two_passwords_are_the_same() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(len(password) == 24 for password in passwords)
