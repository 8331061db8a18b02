"""Codes of authenticator apps are those of RFC 6238."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from server.accounts import totp

# Appendix B of RFC 6238: the codes of SHA-1, of which apps show the last six digits.
SECRET = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert totp.step_of(SECRET, code, seconds * 1000, None) == seconds // 30


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_step_that_is_past_has_no_code(seconds: int, code: str) -> None:
    assert totp.step_of(SECRET, code, seconds * 1000, seconds // 30 - 1) == seconds // 30
    assert totp.step_of(SECRET, code, seconds * 1000, seconds // 30) is None


def test_spaces_in_a_code_do_not_matter() -> None:
    assert totp.step_of(SECRET, "287 082", 59_000, None) == 1


def test_secret_is_random_and_its_uri_names_the_account() -> None:
    secret, other = totp.new_secret(), totp.new_secret()
    assert secret != other
    assert len(base64.b32decode(secret)) == 20
    uri = urlsplit(totp.uri(secret, "ada@example.com"))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/ZidiMail:ada%40example.com")
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["ZidiMail"]}


def test_recovery_codes_are_easy_to_type() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10
    assert all([len(part) for part in code.split("-")] == [4, 4, 4, 4] for code in codes)
    assert totp.recovery_hash("abcd-efgh") == totp.recovery_hash(" ABCD EFGH ")
    assert totp.recovery_hash("abcd-efgh") != totp.recovery_hash("abcd-efgi")
