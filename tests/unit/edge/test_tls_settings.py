"""Settings of TLS to the server: all of them or none, and readable (contract row C-91)."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from edge.settings import Settings
from tests.harness.certificates import throw_away


def settings(tmp_path: Path, **given: object) -> Settings:
    env: Mapping[str, str] = {f"ZIDIMAIL_SERVER_{name}": str(value) for name, value in given.items()}
    return Settings.from_env({"ZIDIMAIL_DATA_DIR": str(tmp_path), **env})


def test_an_edge_with_a_certificate_makes_no_secret(tmp_path: Path) -> None:
    """Elsewhere it would be another than the server's, and every call refused."""
    files = throw_away()
    made = settings(
        tmp_path, CA=files.certificate, CERTIFICATE=files.certificate, PRIVATE_KEY=files.private_key
    )
    assert made.server_tls is not None
    assert made.server_tls.private_key == files.private_key.read_bytes()
    assert made.secret == ""
    assert list(tmp_path.iterdir()) == []


def test_with_a_ca_alone_the_edge_proves_itself_by_the_secret(tmp_path: Path) -> None:
    made = settings(tmp_path, CA="system")
    assert made.server_tls == (None, None, None)
    assert made.secret


@pytest.mark.parametrize("names", [("CERTIFICATE",), ("PRIVATE_KEY",), ("CERTIFICATE", "PRIVATE_KEY")])
def test_certificate_without_a_ca_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    """It would mean that the edge goes on in clear."""
    with pytest.raises(ValueError, match="ZIDIMAIL_SERVER_CA"):
        settings(tmp_path, **dict.fromkeys(names, throw_away().certificate))


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_file_that_is_no_certificate_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match="ZIDIMAIL_SERVER_CA"):
        settings(tmp_path, CA=file)


@pytest.mark.parametrize(
    ("server", "tls", "is_clear"),
    [
        ("127.0.0.1:1", "", False),
        ("[::1]:1", "", False),
        ("localhost:1", "", False),
        ("unix:/run/grpc", "", False),
        ("10.0.0.1:1", "", True),
        ("mail.example.com:1", "", True),
        ("mail.example.com:1", "system", False),
    ],
)
def test_mail_in_clear_to_another_machine_is_noticed(
    tmp_path: Path, server: str, tls: str, is_clear: bool
) -> None:
    env = {"ZIDIMAIL_DATA_DIR": str(tmp_path), "ZIDIMAIL_SERVER": server, "ZIDIMAIL_SERVER_CA": tls}
    assert Settings.from_env(env).sends_in_clear is is_clear
