"""Passwords are random, and only their argon2id hash remains."""

from argon2 import PasswordHasher

from server.accounts.passwords import Passwords, hash_of, new_password


async def test_a_password_is_kept_as_its_argon2id_hash() -> None:
    password = new_password()
    stored = await hash_of(password)
    assert stored.startswith("$argon2id$")
    assert password not in stored
    assert PasswordHasher().verify(stored, password)


async def test_a_hash_takes_the_memory_and_the_passes_that_the_rfc_recommends() -> None:
    """RFC 9106 section 4, the second recommendation: the hash of the command, and that of the service."""
    service = Passwords()
    await service.start()
    for stored in (await hash_of("p"), await service.hash("p")):
        assert stored.split("$")[3] == "m=65536,t=3,p=4"
        assert not service.needs_rehash(stored)
    await service.stop()


def test_no_two_passwords_are_the_same() -> None:
    passwords = {new_password() for _ in range(100)}
    assert len(passwords) == 100
    assert all(len(password) == 24 for password in passwords)
