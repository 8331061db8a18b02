"""The rules of an API key's name and bounds (contract rows Z-35, F-7)."""

import pytest

from server.faults import ValidationFailed
from server.keys.rules import address_bounds, check_name, domain_bounds


@pytest.mark.parametrize("name", ["x", "x" * 100, "Prüfung 🔑", "é" * 100])
def test_a_name_has_1_to_100_characters(name: str) -> None:
    assert check_name(f"  {name} ") == name


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "a\r\nb", "a\x7fb", "a\x85b"])
def test_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_name(name)
    assert [violation.field for violation in refused.value.violations] == ["name"]


OWN = ["example.com", "xn--bcher-kva.example"]


def test_key_domains_are_normalised_and_must_belong_to_the_organisation() -> None:
    """F-7."""
    assert domain_bounds([" Example.COM. ", "bücher.example", "example.com"], OWN) == (OWN, [])


@pytest.mark.parametrize("name", ["other.example", "", "*", "sub.example.com", "x" * 300, "a..b", "\x00"])
def test_key_cannot_be_bound_to_an_unknown_domain(name: str) -> None:
    allowed, violations = domain_bounds(["example.com", name], OWN)
    assert allowed == ["example.com"]
    assert [violation.field for violation in violations] == ["allowed_domains[1]"]


def test_networks_are_kept_in_one_form() -> None:
    given = [" 192.0.2.7 ", "192.0.2.7/24", "192.0.2.0/24", "2001:DB8::/32"]
    assert address_bounds(given) == (["192.0.2.7/32", "192.0.2.0/24", "2001:db8::/32"], [])
    mapped = ["::ffff:192.0.2.7", "::ffff:192.0.2.7/120", "::ffff:0:0/95"]
    assert address_bounds(mapped) == (["192.0.2.7/32", "192.0.2.0/24", "::fffe:0:0/95"], [])


@pytest.mark.parametrize("text", ["", "localhost", "192.0.2.0/33", "192.0.2", "1.2.3.4-1.2.3.9", "\x00"])
def test_invalid_network_is_refused(text: str) -> None:
    networks, violations = address_bounds(["192.0.2.7", text])
    assert networks == ["192.0.2.7/32"]
    assert [violation.field for violation in violations] == ["allowed_ips[1]"]


def test_a_key_is_bound_to_a_hundred_of_each_at_most() -> None:
    assert address_bounds([f"10.0.0.{n}" for n in range(100)])[1] == []
    assert [v.field for v in address_bounds([f"10.0.0.{n}" for n in range(101)])[1]] == ["allowed_ips"]
    assert "allowed_domains" in [v.field for v in domain_bounds(["example.com"] * 101, OWN)[1]]
