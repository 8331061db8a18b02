"""An invalid setting stops the start with one line that names it and shows no secret."""

import os
import socket
from pathlib import Path

import pytest

from tests.harness import programs


def refused(program: str, tmp_path: Path, **settings: str) -> str:
    """Starts a program that must fail; returns its standard error."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ZIDIMAIL_")}
    env = clean | {"ZIDIMAIL_DATA_DIR": str(tmp_path), "ZIDIMAIL_METRICS_LISTEN": "off"}
    env |= {f"ZIDIMAIL_{name}": value for name, value in settings.items()}
    ended = programs.run(program, env=env)
    assert ended.returncode == 1
    assert ended.stderr.startswith("zidimail: ")
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # gRPC would listen on 34463.
        ("GRPC_LISTEN", "127.0.0.1:99999"),
        ("GRPC_LISTEN", "nonsense"),
        ("METRICS_LISTEN", "nonsense"),
        ("METRICS_LISTEN", "unix:/tmp/metrics"),
        ("MX_PORT", "70000"),
        ("BACKGROUND_SHARE", "0"),
        ("BACKGROUND_SHARE", "1.5"),
        ("HOSTNAME", "a b"),
        ("PAYPAL_URL", "http://api-m.paypal.com"),
        ("PAYPAL_URL", "api-m.paypal.com"),
        ("OIDC_ISSUER", "http://login.example.com"),
        ("PAYPAL_CERTIFICATES_URL", "https://user@api.paypal.com"),
        ("SECRET", "hunter2"),
        ("EDGE_SECRET", "hunter2"),
        ("EDGE_SECRET", "hunter2 " * 5),
        ("DATA_DIR", "/proc/nowhere"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db"),
        ("DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/d"),
    ],
)
def test_server_names_the_invalid_setting(tmp_path: Path, name: str, value: str) -> None:
    assert f"ZIDIMAIL_{name}" in refused("server", tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("transport", "hostname"),
    [("mx", ""), ("mx", "host"), ("smtp://user:hunter2@relay.example", "localhost")],
)
def test_mail_does_not_leave_without_a_public_host_name(
    tmp_path: Path, transport: str, hostname: str
) -> None:
    """C-61."""
    shown = refused("server", tmp_path, TRANSPORT=transport, HOSTNAME=hostname)
    assert "ZIDIMAIL_HOSTNAME must be the public name of this host, such as mail.example.com" in shown


def test_server_names_the_setting_when_the_metrics_port_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        listen = "{}:{}".format(*occupied.getsockname())
        message = refused("server", tmp_path, METRICS_LISTEN=listen)
    assert message.startswith(f"zidimail: ZIDIMAIL_METRICS_LISTEN: cannot listen on {listen}: ")


@pytest.mark.parametrize("half", ["TLS_CERTIFICATE", "TLS_PRIVATE_KEY", "TLS_CLIENT_CA"])
def test_half_of_the_tls_settings_stops_the_start(tmp_path: Path, half: str) -> None:
    message = refused("server", tmp_path, **{half: "/etc/hostname"})
    assert "ZIDIMAIL_TLS_CERTIFICATE" in message
    assert "ZIDIMAIL_TLS_PRIVATE_KEY" in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_LISTEN", "nonsense"),
        ("HTTP_LISTEN", "127.0.0.1:99999"),
        ("HTTP_DEADLINE", "soon"),
        ("HTTP_BODY_LIMIT", "inf"),
        ("EDGE_SECRET", "hunter2"),
        ("EDGE_SECRET", "hunter2 " * 5),
    ],
)
def test_edge_names_the_invalid_setting(tmp_path: Path, name: str, value: str) -> None:
    assert f"ZIDIMAIL_{name}" in refused("edge", tmp_path, **{name: value})
