"""The secrets of an installation are long, private and never shown (contract row C-89)."""

from pathlib import Path

import pytest

from server.private_files import is_of_the_system
from server.settings import Settings, SettingsError

NAMES = {"ZIDIMAIL_SECRET": "secret", "ZIDIMAIL_EDGE_SECRET": "edge-secret"}


def settings_of(data_dir: Path, **env: str) -> Settings:
    return Settings.from_env({"ZIDIMAIL_DATA_DIR": str(data_dir), **env})


def test_both_secrets_are_made_and_kept(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    made = settings_of(data_dir)
    assert made.secret != made.edge_secret
    again = settings_of(data_dir)
    assert (again.secret, again.edge_secret) == (made.secret, made.edge_secret)
    assert data_dir.stat().st_mode & 0o777 == 0o700
    for name in NAMES.values():
        assert (data_dir / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("variable", "file"), NAMES.items())
def test_a_short_secret_is_refused_with_a_way_to_make_a_good_one(
    tmp_path: Path, variable: str, file: str
) -> None:
    with pytest.raises(SettingsError, match=rf"{variable}.*32 bytes.*openssl rand -hex 32") as refused:
        settings_of(tmp_path, **{variable: "hunter2" * 4})
    assert "hunter2" not in str(refused.value)
    (tmp_path / file).write_text("hunter2" * 4)
    with pytest.raises(SettingsError, match=rf"`{file}`.*32 bytes.*openssl rand -hex 32"):
        settings_of(tmp_path)


@pytest.mark.parametrize("secret", ["x" * 32 + " x", "ä" * 32, "x" * 32 + "\x7f"])
def test_an_edge_secret_that_cannot_be_sent_is_refused(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SettingsError, match="ZIDIMAIL_EDGE_SECRET must have printable ASCII"):
        settings_of(tmp_path, ZIDIMAIL_EDGE_SECRET=secret)


def test_secrets_are_never_printed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, ZIDIMAIL_PAYPAL_CLIENT_SECRET="paypal-secret")  # noqa: S106
    assert settings.paypal_client_secret == "paypal-secret"  # noqa: S105
    assert "paypal-secret" not in repr(settings)
    assert settings.secret not in repr(settings)
    assert settings.edge_secret not in repr(settings)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    with pytest.raises(SettingsError, match=r"ZIDIMAIL_SECRET is not set, and .*/secret: Is a directory"):
        settings_of(tmp_path)


@pytest.mark.parametrize(("variable", "file"), NAMES.items())
@pytest.mark.parametrize(
    "content", [bytes(64), b"\xff" * 64, b"a" * 40 + bytes(24)], ids=["zeros", "no text", "its end"]
)
def test_a_damaged_secret_is_refused(tmp_path: Path, variable: str, file: str, content: bytes) -> None:
    """A disk that lost its power leaves such a file: everybody knows the secret of 64 zero bytes."""
    (tmp_path / file).write_bytes(content)
    with pytest.raises(SettingsError, match=rf"{variable}.*/{file} is damaged.*backup") as refused:
        settings_of(tmp_path)
    assert "aaa" not in str(refused.value)


def test_a_directory_of_the_system_is_known(tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to("/usr")
    (tmp_path / "something").touch()
    assert [path for path in (Path("/usr"), tmp_path / "data", Path("/")) if not is_of_the_system(path)] == []
    others = (tmp_path, Path("/usr/lib"), Path("/of-no-one"), tmp_path / "missing")
    assert [path for path in others if is_of_the_system(path)] == []


def test_a_directory_of_the_system_is_no_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed to all others it would stop the machine: the test takes one of its own for such a directory."""
    (tmp_path / "something").touch()
    tmp_path.chmod(0o755)
    monkeypatch.setattr("server.settings.is_of_the_system", tmp_path.__eq__)
    with pytest.raises(SettingsError, match=r"ZIDIMAIL_DATA_DIR.*Name a directory of its own"):
        settings_of(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["something"]


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://zidi:hunter2@hunter2@host/mail", "postgres://zidi:hunter2@hun/ter2@host/mail"),
        *("postgresql://zidi:hunter2@host:port/mail", "postgresql://zidi:hunter2@hun:ter2@host/mail"),
    ],
)
def test_a_url_with_an_unwritten_password_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    """Else the end of the password is looked up as the name of a host, and printed."""
    with pytest.raises(SettingsError, match=r"ZIDIMAIL_DATABASE_URL cannot be read.*%40") as refused:
        settings_of(tmp_path, ZIDIMAIL_DATABASE_URL=url)
    assert "hun" not in str(refused.value)


@pytest.mark.parametrize(
    "rest",
    [
        *("zidi:p%40s/s@host/mail", "zidi@host:5432/mail", "/mail?host=/run/postgresql", "host/mail", ""),
        *("zidi:x@[::1]:5432/mail?sslmode=verify-full", "zidi:p@/mail?host=/tmp/a@b&port=5"),
    ],
)
def test_urls_of_postgresql_are_read(tmp_path: Path, rest: str) -> None:
    found = settings_of(tmp_path, ZIDIMAIL_DATABASE_URL=f"postgresql://{rest}")
    assert found.database_url == f"postgresql+psycopg://{rest}"


def test_issuer_stays_as_it_was_written(tmp_path: Path) -> None:
    """A slash at its end belongs to its name: providers compare it letter by letter."""
    settings = settings_of(tmp_path, ZIDIMAIL_OIDC_ISSUER="https://login.example.com/")
    assert settings.oidc_issuer == "https://login.example.com/"


def test_secret_of_the_provider_is_not_shown(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, ZIDIMAIL_OIDC_CLIENT_SECRET="oidc-secret")  # noqa: S106
    assert "oidc-secret" not in repr(settings)
