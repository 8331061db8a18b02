"""Host names as people type them at their DNS provider (contract row C-53)."""

import pytest

from server.domains.zones import host_in, zone_of


@pytest.mark.parametrize(
    ("domain", "name", "host"),
    [
        ("example.com", "example.com", "@"),
        ("example.com", "_dmarc.example.com", "_dmarc"),
        ("mail.example.com", "mail.example.com", "mail"),
        ("mail.example.co.uk", "zm1r._domainkey.mail.example.co.uk", "zm1r._domainkey.mail"),
        ("example.co.uk", "rp.example.co.uk", "rp"),
        ("a.b.xn--bcher-kva.example", "rp.a.b.xn--bcher-kva.example", "rp.a.b"),
        ("news.shop.com.au", "news.shop.com.au", "news"),
        ("co.uk", "rp.co.uk", "rp"),
    ],
)
def test_host_is_relative_to_the_registered_name(domain: str, name: str, host: str) -> None:
    assert host_in(zone_of(domain), name) == host
