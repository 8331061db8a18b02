"""An invalid setting stops the start."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from limits import parse

from edge.settings import Settings

SECRET = "0123456789abcdef" * 2


def settings_of(env: dict[str, str]) -> Settings:
    """The settings of an environment, without a secret kept in a file."""
    return Settings.from_env({"ZIDIMAIL_EDGE_SECRET": SECRET} | env)


@pytest.mark.parametrize(
    ("text", "limit"),
    [("", "6000/minute"), ("10/second", "10/second"), ("500 per 5 minutes", "500/5 minutes")],
)
def test_rate_limit_is_parsed(text: str, limit: str) -> None:
    """C-47."""
    assert settings_of({"ZIDIMAIL_IP_LIMIT": text}).ip_limit == parse(limit)


def test_rate_limit_can_be_off() -> None:
    assert settings_of({"ZIDIMAIL_IP_LIMIT": "off"}).ip_limit is None


@pytest.mark.parametrize("text", ["6000", "0/minute", "-1/minute", "many", "1/minute; 9/hour"])
def test_invalid_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ZIDIMAIL_IP_LIMIT"):
        settings_of({"ZIDIMAIL_IP_LIMIT": text})


def test_trusted_proxies_are_networks() -> None:
    settings = settings_of({"ZIDIMAIL_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert not settings.trusted_socket
    assert settings_of({}).trusted_proxies == ()


def test_a_socket_file_is_trusted_by_its_name() -> None:
    settings = settings_of({"ZIDIMAIL_TRUSTED_PROXIES": "unix,10.0.0.0/8"})
    assert settings.trusted_socket
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "10.0.0.0/8;::1"])
def test_invalid_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ZIDIMAIL_TRUSTED_PROXIES"):
        settings_of({"ZIDIMAIL_TRUSTED_PROXIES": text})


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:8080"),
        ("https://app.example.com/", "https://app.example.com"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://Größe.example:8443/mail/", "https://Größe.example:8443/mail"),
    ],
)
def test_the_public_address_is_a_url(text: str, url: str) -> None:
    """Z-5."""
    assert settings_of({"ZIDIMAIL_APP_URL": text}).app_url == url


@pytest.mark.parametrize(
    "text",
    [
        *("app.example.com", "//app.example.com", "ftp://app.example.com", "https://", "http://[::1"),
        *("https://a b", "https://a:0", "https://a:99999", "https://a@b", f"https://{'x' * 64}.example"),
    ],
)
def test_invalid_url_is_refused(text: str) -> None:
    """Z-5: no browser would ever come from there."""
    with pytest.raises(ValueError, match="ZIDIMAIL_APP_URL"):
        settings_of({"ZIDIMAIL_APP_URL": text})


def test_secret_is_never_printed() -> None:
    settings = settings_of({})
    assert settings.secret == SECRET
    assert SECRET not in repr(settings)


def test_a_secret_is_made_and_kept_if_none_is_set(tmp_path: Path) -> None:
    """C-89, C-91."""
    env = {"ZIDIMAIL_DATA_DIR": str(tmp_path / "data")}
    made = Settings.from_env(env).secret
    assert len(made) >= 32
    assert Settings.from_env(env).secret == made == (tmp_path / "data" / "edge-secret").read_text()


@pytest.mark.parametrize("secret", ["x" * 31, "x" * 31 + " x", "x" * 31 + "\n", "ä" * 32])
def test_a_secret_that_is_short_or_cannot_be_sent_is_refused(secret: str) -> None:
    """C-89."""
    with pytest.raises(ValueError, match="ZIDIMAIL_EDGE_SECRET") as refused:
        settings_of({"ZIDIMAIL_EDGE_SECRET": secret})
    assert secret not in str(refused.value)


@pytest.mark.parametrize("content", [bytes(64), b"\xff" * 64], ids=["zeros", "no text"])
def test_a_damaged_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "edge-secret").write_bytes(content)
    with pytest.raises(ValueError, match=r"edge-secret"):
        Settings.from_env({"ZIDIMAIL_DATA_DIR": str(tmp_path)})


def test_a_data_directory_that_cannot_be_made_is_named() -> None:
    with pytest.raises(ValueError, match=r"ZIDIMAIL_EDGE_SECRET is not set, and /proc/nowhere/edge-secret"):
        Settings.from_env({"ZIDIMAIL_DATA_DIR": "/proc/nowhere"})
