"""The mails that the platform writes to people in its own name, each as text and as HTML."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple
from urllib.parse import quote

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{subject}</title>
</head>
<body style="margin:0;padding:24px;background:#f4f4f5;font-family:Helvetica,Arial,sans-serif;color:#18181b">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" \
style="max-width:560px;background:#ffffff;border-radius:8px">
<tr><td style="padding:32px;font-size:16px;line-height:24px">
{paragraphs}
</td></tr>
</table>
</td></tr></table>
</body>
</html>
"""
_PARAGRAPH = '<p style="margin:0 0 16px">{}</p>'
_BUTTON = (
    '<p style="margin:24px 0"><a href="{url}" style="display:inline-block;padding:12px 20px;'
    'border-radius:6px;background:#18181b;color:#ffffff;text-decoration:none">{label}</a></p>'
    '<p style="margin:0 0 16px;font-size:13px;color:#52525b;word-break:break-all">{url}</p>'
)


class SystemEmail(NamedTuple):
    """A mail of the platform to one person."""

    to: str
    subject: str
    text: str
    html: str


class Link(NamedTuple):
    """The link of a mail, with the label of its button."""

    label: str
    url: str


class Letters:
    """Writes mails whose links lead to the pages under `app_url`."""

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url.rstrip("/")

    def confirmation(self, to: str, token: str) -> SystemEmail:
        """The mail to an address that was registered."""
        return _letter(
            to,
            "Confirm your address",
            [
                f"Your address {to} was registered at ZidiMail ({self._app_url}).",
                "Confirm it within 24 hours to begin:",
            ],
            Link("Confirm my address", self._url("confirm", token)),
            ["If you did not register, ignore this mail: without the confirmation nothing is kept."],
        )

    def already_registered(self, to: str, token: str | None) -> SystemEmail:
        """The mail to an address that was registered although it has an account.

        With the token the account gets another organisation; it is None if the account may have no more.
        """
        login = f"{self._app_url}/dashboard/login"
        link, more = Link("Sign in", login), []
        if token is not None:
            link = Link("Make another organisation", self._url("confirm", token))
            more = [f"Sign in at {login}. To get another organisation for your account, follow this link:"]
        return _letter(
            to,
            "You have an account already",
            [
                f"Your address {to} was registered again at ZidiMail ({self._app_url}).",
                "It has an account already: sign in with your password, or set a new one if you forgot it.",
                *more,
            ],
            link,
            ["If you did not register, ignore this mail: nothing was changed."],
        )

    def password_reset(self, to: str, token: str) -> SystemEmail:
        """The mail with the link to set a new password."""
        return _letter(
            to,
            "Set a new password",
            [
                f"A new password was requested for your account {to} at ZidiMail ({self._app_url}).",
                "Set it within an hour:",
            ],
            Link("Set a new password", self._url("reset-password", token)),
            ["If you did not request it, ignore this mail: your password stays as it is."],
        )

    def password_changed(self, to: str) -> SystemEmail:
        """The notice that a password was changed."""
        return _letter(
            to,
            "Your password was changed",
            [
                f"The password of your account {to} at ZidiMail ({self._app_url}) was changed, and your "
                "other sessions have ended.",
                "If it was not you, set a new password at once:",
            ],
            Link("Set a new password", f"{self._app_url}/dashboard/forgot-password"),
            [],
        )

    def second_factor(self, to: str, *, is_on: bool) -> SystemEmail:
        """The notice that a second factor was added or removed."""
        needed = "a code beside your password" if is_on else "your password only"
        return _letter(
            to,
            f"A second factor was {'added' if is_on else 'removed'}",
            [
                f"A login to your account {to} at ZidiMail ({self._app_url}) needs {needed} from now on.",
                "If it was not you, set a new password at once:",
            ],
            Link("Set a new password", f"{self._app_url}/dashboard/forgot-password"),
            [],
        )

    def recovery_codes(self, to: str) -> SystemEmail:
        """The notice that the recovery codes of an account were renewed."""
        return _letter(
            to,
            "Your recovery codes were renewed",
            [
                f"Your account {to} at ZidiMail ({self._app_url}) has new recovery codes; the earlier ones "
                "do not work any more.",
                "If it was not you, set a new password at once:",
            ],
            Link("Set a new password", f"{self._app_url}/dashboard/forgot-password"),
            [],
        )

    def provider_linked(self, to: str, provider: str) -> SystemEmail:
        """The notice that an account can be signed in to at a provider from now on."""
        return _letter(
            to,
            "A new way to sign in",
            [
                f"A person signed in to your account {to} at ZidiMail ({self._app_url}) by {provider}, which "
                "vouches for this address. It can be used for that from now on.",
                "If it was not you, secure your account at the provider, and set a new password here:",
            ],
            Link("Set a new password", f"{self._app_url}/dashboard/forgot-password"),
            [],
        )

    def identity(self, to: str, issuer: str, *, is_on: bool) -> SystemEmail:
        """The notice that the logins by an account at a provider were ended, or are allowed again."""
        if is_on:
            subject, change = "A way to sign in was activated", "are allowed again"
        else:
            subject, change = "A way to sign in was deactivated", "were ended"
        return _letter(
            to,
            subject,
            [
                f"The logins to your account {to} at ZidiMail ({self._app_url}) by the provider {issuer} "
                f"{change}.",
                "If it was not you, set a new password here:",
            ],
            Link("Set a new password", f"{self._app_url}/dashboard/forgot-password"),
            [],
        )

    def closed(self, to: str, organisation: str, by: str) -> SystemEmail:
        """The notice to an owner that an organisation was closed; its name is as people gave it."""
        return _letter(
            to,
            "An organisation was closed",
            [
                f'{by} closed the organisation "{organisation}" at ZidiMail ({self._app_url}). Its API keys '
                "and sessions do not work any more; its data is kept.",
                "If this was a mistake, ask the operator to open it again:",
            ],
            Link("ZidiMail", self._app_url),
            [],
        )

    def invitation(self, to: str, inviter: str, organisation: str, token: str) -> SystemEmail:
        """The mail with the link of an invitation; the names are as people gave them."""
        return _letter(
            to,
            "You are invited to an organisation",
            [
                f'{inviter} invites you to the organisation "{organisation}" at ZidiMail ({self._app_url}).',
                "Accept the invitation within seven days:",
            ],
            Link("Accept the invitation", self._url("invitation", token)),
            ["If you do not know who invites you, ignore this mail: nothing happens without you."],
        )

    def _url(self, page: str, token: str) -> str:
        # In the fragment, which no browser sends: no log on the way holds the token.
        return f"{self._app_url}/dashboard/{page}#token={quote(token)}"


def _letter(to: str, subject: str, before: Sequence[str], link: Link, after: Sequence[str]) -> SystemEmail:
    text = "\n\n".join([*before, link.url, *after]) + "\n"
    paragraphs = [
        *(_PARAGRAPH.format(escape(line)) for line in before),
        _BUTTON.format(url=escape(link.url), label=escape(link.label)),
        *(_PARAGRAPH.format(escape(line)) for line in after),
    ]
    html = _PAGE.format(subject=escape(subject), paragraphs="\n".join(paragraphs))
    return SystemEmail(to, subject, text, html)
