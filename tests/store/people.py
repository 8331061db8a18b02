"""Accounts on a store: registration, login and passwords, with the mails of the platform."""

import json
import re
from dataclasses import dataclass

from argon2 import PasswordHasher
from sqlalchemy import select

from server.accounts.closing import Closing
from server.accounts.invitations import Invitations
from server.accounts.letters import Letters
from server.accounts.mailing import RequestMailing
from server.accounts.members import Members
from server.accounts.passwords import Passwords
from server.accounts.registration import Registration
from server.accounts.second_factor import SecondFactor
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import Sessions
from server.accounts.sign_in import SignIn
from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.emails import email_contents, emails
from server.db.writer import Writer
from server.emails.accept import Acceptor
from server.emails.system_mail import SystemMail
from server.ids import SYSTEM_ORG_ID
from server.permissions import RoleName
from server.sealing import Seal
from server.wire.caller import SessionCaller
from server.work.backpressure import AcceptLoad
from server.work.notifier import Notifier
from tests.harness.clock import ManualClock
from tests.harness.passwords import QUICK
from tests.harness.rows import stored

PASSWORD = "correct horse battery"  # noqa: S105
ADA = "ada@example.com"
_TOKEN = re.compile(r"#token=(\S+)")


@dataclass(frozen=True)
class Mail:
    """A mail of the platform."""

    to: str
    subject: str
    text: str

    @property
    def token(self) -> str:
        """The token of its link; empty if it has none."""
        found = _TOKEN.search(self.text)
        return "" if found is None else found[1]


class People:
    """The parts of an installation that people without a session, and with one, meet."""

    def __init__(
        self, database: Database, writer: Writer, *, is_open: bool = True, hasher: PasswordHasher = QUICK
    ) -> None:
        self.database = database
        self.writer = writer
        self.clock = ManualClock()
        self.tokens = SessionTokens("s" * 32, self.clock)
        self.sessions = Sessions(self.tokens, database, self.clock)
        self.passwords = Passwords(hasher)
        acceptor = Acceptor(writer, self.clock, AcceptLoad(), Notifier(), Notifier())
        self.system_mail = SystemMail(writer, self.clock, acceptor, "no-reply@zidimail.test")
        letters, requested = Letters("https://app.zidimail.test"), Notifier()
        self.mailing = RequestMailing(writer, self.clock, self.system_mail, letters, requested)
        self.registration = Registration(
            *(writer, self.clock, self.passwords, self.sessions, self.system_mail, letters, requested),
            is_open=is_open,
            plan="free",
        )
        self.members = Members(database, writer, self.sessions)
        self.invitations = Invitations(
            *(database, writer, self.clock, self.passwords, self.sessions, self.system_mail, letters),
            takes_new_people=is_open,
        )
        self.second_factor = SecondFactor(
            *(database, writer, self.clock, Seal("s" * 32), self.sessions, self.system_mail, letters)
        )
        self.closing = Closing(
            writer, self.clock, self.second_factor, self.sessions, self.system_mail, letters
        )
        self.sign_in = SignIn(
            *(database, writer, self.clock, self.passwords, self.tokens, self.sessions),
            *(self.system_mail, letters, self.second_factor),
        )

    async def start(self) -> None:
        """Makes what the parts need before the first call."""
        await self.passwords.start()
        await self.system_mail.start()

    async def stop(self) -> None:
        """Ends the threads."""
        await self.passwords.stop()

    async def register(self, email: str = ADA, password: str = PASSWORD, **names: str) -> str:
        """The token in the mail that answers a registration; empty if that mail has none."""
        await self.registration.register(
            email, password, names.get("name", ""), names.get("organisation", "")
        )
        return await self.newest_token()

    async def add(self, email: str = ADA, password: str = PASSWORD) -> str:
        """The id of a person with an account and an organisation of its own."""
        user, _ = await self.registration.confirm(await self.register(email, password))
        # Later things have later times.
        self.clock.advance(1)
        return user.id

    async def invite(self, caller: SessionCaller, email: str, role: RoleName = "member") -> str:
        """The token in the mail of an invitation."""
        await self.invitations.create(caller, email, role)
        return (await self.mails())[-1].token

    async def join(self, caller: SessionCaller, email: str, role: RoleName = "member") -> SessionCaller:
        """A new member of the caller's organisation, signed in there."""
        await self.invitations.accept(await self.invite(caller, email, role), PASSWORD, "")
        return await self.caller((await self.sign_in.login(email, PASSWORD, caller.org_id)).token)

    async def roles(self, caller: SessionCaller) -> dict[str, str]:
        """The roles of the members by their addresses."""
        page = await self.members.page(caller, PageRequest(100))
        return {row.email: row.role for row in page.rows}

    async def waiting(self, caller: SessionCaller) -> list[str]:
        """The addresses of the invitations that wait, newest first."""
        page = await self.invitations.page(caller, PageRequest(100))
        return [row.email for row in page.rows]

    async def request_reset(self, email: str = ADA) -> str:
        """The token in the mail that answers the request for a new password."""
        await self.registration.request_reset(email)
        return await self.newest_token()

    async def newest_token(self) -> str:
        """The token of the mail that was written last, once all requests are answered."""
        before = len(await self.mails())
        await self.answer()
        return "".join(mail.token for mail in (await self.mails())[before:])

    async def answer(self) -> None:
        """Writes the mails of all requests."""
        while await self.mailing.step():
            pass

    async def login(self, email: str = ADA, password: str = PASSWORD) -> str:
        """The token of a new session."""
        return (await self.sign_in.login(email, password, None)).token

    async def caller(self, token: str) -> SessionCaller:
        """The caller of a session. Raises `InvalidCredentials`."""
        return await self.sessions.authenticate(token)

    async def mails(self) -> list[Mail]:
        """The mails of the platform, in the order of their acceptance."""
        query = (
            select(emails.c.to, emails.c.subject, email_contents.c.text)
            .join(email_contents, email_contents.c.email_id == emails.c.id)
            .where(emails.c.org_id == SYSTEM_ORG_ID, email_contents.c.org_id == SYSTEM_ORG_ID)
            .order_by(emails.c.id)
        )
        return [
            Mail(json.loads(row.to)[0], row.subject, row.text) for row in await stored(self.database, query)
        ]

    async def subjects(self, email: str = ADA) -> list[str]:
        """The subjects of the mails to one address."""
        return [mail.subject for mail in await self.mails() if mail.to == email]
