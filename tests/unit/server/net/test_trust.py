"""The authorities that this machine trusts."""

import ssl
from pathlib import Path

import certifi
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from server.net.trust import trusted_roots
from tests.harness.paypal_certificates import Authority, authority

_DER = Encoding.DER


def test_authorities_of_the_machine_are_those_of_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    context = ssl.create_default_context()
    trusted = {root.public_bytes(_DER) for root in trusted_roots()}
    assert set(context.get_ca_certs(binary_form=True)) <= trusted
    assert len(trusted) > 100


def test_file_and_folder_of_the_environment_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Authority()
    file, folder = tmp_path / "roots.pem", tmp_path / "folder"
    folder.mkdir()
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    file.write_bytes(b"# A comment\n" + authority().pem + broken + authority().pem)
    (folder / "other.pem").write_bytes(other.pem)
    (folder / "0a1b2c3d.0").symlink_to("other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    assert set(trusted_roots()) == {authority().certificate, other.certificate}
