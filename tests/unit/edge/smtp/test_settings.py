"""The relay's settings: what does not fit together is said at start."""

from pathlib import Path

import pytest

from edge.smtp.settings import Settings


def settings(tmp_path: Path, **env: str) -> Settings:
    return Settings.from_env({"ZIDIMAIL_DATA_DIR": str(tmp_path), **env})


def test_defaults_are_those_of_the_class(tmp_path: Path) -> None:
    made = settings(tmp_path)
    default = Settings(secret=made.secret)
    assert made == default
    assert made.listen == "127.0.0.1:2525"
    assert made.certificate is None


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({"ZIDIMAIL_SMTPS_LISTEN": "127.0.0.1:465"}, "ZIDIMAIL_SMTPS_LISTEN needs ZIDIMAIL_TLS_CERT"),
        ({"ZIDIMAIL_SMTP_REQUIRE_TLS": "on"}, "ZIDIMAIL_SMTP_REQUIRE_TLS needs ZIDIMAIL_TLS_CERT"),
        ({"ZIDIMAIL_TLS_CERT": "cert.pem"}, "both ZIDIMAIL_TLS_CERT and ZIDIMAIL_TLS_KEY"),
        ({"ZIDIMAIL_SMTP_LISTEN": "unix:/run/smtp"}, "ZIDIMAIL_SMTP_LISTEN must have the form host:port"),
        ({"ZIDIMAIL_SMTP_CONNECTIONS": "0"}, "ZIDIMAIL_SMTP_CONNECTIONS"),
        ({"ZIDIMAIL_PROXY_NETWORKS": "everywhere"}, "ZIDIMAIL_PROXY_NETWORKS"),
        ({"ZIDIMAIL_AUTH_IP_LIMIT": "often"}, "ZIDIMAIL_AUTH_IP_LIMIT"),
    ],
)
def test_wrong_setting_is_named(env: dict[str, str], text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=text):
        settings(tmp_path, **env)


def test_every_limit_can_be_set(tmp_path: Path) -> None:
    made = settings(
        tmp_path,
        ZIDIMAIL_SMTP_CONNECTIONS="10",
        ZIDIMAIL_SMTP_CONNECTIONS_PER_IP="2",
        ZIDIMAIL_SMTP_COMMAND_DEADLINE="5",
        ZIDIMAIL_SMTP_LOGIN_DEADLINE="6.5",
        ZIDIMAIL_SMTP_SESSION_DEADLINE="7",
        ZIDIMAIL_SMTP_MESSAGE_LIMIT="1000",
        ZIDIMAIL_SMTP_SENDING_LIMIT="2000",
        ZIDIMAIL_SMTP_WAITING_LIMIT="3",
        ZIDIMAIL_SMTP_SEND_DEADLINE="4",
        ZIDIMAIL_AUTH_IP_LIMIT="off",
    )
    assert (made.connections, made.connections_per_ip) == (10, 2)
    assert (made.command_deadline_s, made.login_deadline_s, made.session_deadline_s) == (5, 6.5, 7)
    assert (made.message_limit, made.sending_limit, made.waiting_limit) == (1000, 2000, 3)
    assert made.send_deadline_s == 4
    assert made.failed_logins is None
