"""A setting that cannot be meant stops the start."""

from ipaddress import ip_network

import pytest
from limits import parse

from edge.settings import Settings


@pytest.mark.parametrize(
    ("text", "limit"),
    [("", "6000/minute"), ("10/second", "10/second"), ("500 per 5 minutes", "500/5 minutes")],
)
def test_a_limit_of_requests_is_a_rate(text: str, limit: str) -> None:
    """C-47."""
    assert Settings.from_env({"ZIDIMAIL_IP_LIMIT": text}).ip_limit == parse(limit)


def test_a_limit_of_requests_can_be_off() -> None:
    assert Settings.from_env({"ZIDIMAIL_IP_LIMIT": "off"}).ip_limit is None


@pytest.mark.parametrize("text", ["6000", "0/minute", "-1/minute", "many", "1/minute; 9/hour"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ZIDIMAIL_IP_LIMIT"):
        Settings.from_env({"ZIDIMAIL_IP_LIMIT": text})


def test_trusted_proxies_are_networks() -> None:
    settings = Settings.from_env({"ZIDIMAIL_TRUSTED_PROXIES": "10.0.0.0/8, ::1"})
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert not settings.trusted_socket
    assert Settings.from_env({}).trusted_proxies == ()


def test_a_socket_file_is_trusted_by_its_name() -> None:
    settings = Settings.from_env({"ZIDIMAIL_TRUSTED_PROXIES": "unix,10.0.0.0/8"})
    assert settings.trusted_socket
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "10.0.0.0/8;::1"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ZIDIMAIL_TRUSTED_PROXIES"):
        Settings.from_env({"ZIDIMAIL_TRUSTED_PROXIES": text})


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
    assert Settings.from_env({"ZIDIMAIL_APP_URL": text}).app_url == url


@pytest.mark.parametrize(
    "text",
    [
        *("app.example.com", "//app.example.com", "ftp://app.example.com", "https://", "http://[::1"),
        *("https://a b", "https://a:0", "https://a:99999", "https://a@b", f"https://{'x' * 64}.example"),
    ],
)
def test_what_is_no_url_is_refused(text: str) -> None:
    """Z-5: no browser would ever come from there."""
    with pytest.raises(ValueError, match="ZIDIMAIL_APP_URL"):
        Settings.from_env({"ZIDIMAIL_APP_URL": text})
