"""Mail of the platform is signed with the keys of the organisation that has verified its domain (C-78)."""

import time
from pathlib import Path

import dkim
import pytest
from sqlalchemy import update

from server.accounts.letters import SystemEmail
from server.db.database import Database
from server.db.tables.domains import domains
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.accept import Acceptor
from server.emails.system_mail import SystemMail
from server.ids import new_id
from server.work.backpressure import AcceptLoad
from server.work.notifier import Notifier
from tests.delivery.conftest import StartEngine
from tests.delivery.queued import DOMAIN_ID, add_domain, keys_of
from tests.harness.clock import ManualClock
from tests.harness.waiting import until

DOMAIN = "mail.platform.test"
MAIL = SystemEmail("ada@receiver.test", "Confirm your address", "Hello.\n", "<p>Hello.</p>")


async def sent(
    writer: Writer, clock: ManualClock, start_engine: StartEngine, folder: Path, sender: str
) -> bytes:
    """The message of a mail of the platform from this address."""
    acceptor = Acceptor(writer, clock, AcceptLoad(), Notifier(), Notifier())
    system_mail = SystemMail(writer, clock, acceptor, sender)
    await system_mail.start()
    # Accepted now by the real clock, as the judge of the signatures looks at it.
    await writer.run(system_mail.write, [MAIL], time.time_ns() // 1_000_000)
    await start_engine(system_from=sender)
    await until(lambda: bool(list((folder / "captured").glob("*.eml"))))
    [file] = (folder / "captured").glob("*.eml")
    return file.read_bytes()


@pytest.mark.parametrize("sender", [f"no-reply@{DOMAIN}", f"no-reply@{DOMAIN.title()}"])
async def test_platform_mail_is_signed_for_its_domain(
    database: Database,
    writer: Writer,
    start_engine: StartEngine,
    clock: ManualClock,
    tmp_path: Path,
    sender: str,
) -> None:
    await writer.run(add_domain, new_id(), DOMAIN_ID, DOMAIN)
    message = await sent(writer, clock, start_engine, tmp_path, sender)
    records = {
        f"{key.selector}._domainkey.{DOMAIN}.": f"v=DKIM1; k={key.algorithm}; p={key.public_key}"
        for key in keys_of(DOMAIN_ID)
    }
    for number in (0, 1):
        assert dkim.DKIM(message).verify(number, lambda name, timeout: records[name.decode()].encode())


async def test_platform_mail_is_not_signed_for_a_domain_that_nobody_has_verified(
    database: Database, writer: Writer, start_engine: StartEngine, clock: ManualClock, tmp_path: Path
) -> None:
    """Whoever only names the domain as its own must not sign for it; the mail goes all the same."""
    await writer.run(add_domain, new_id(), DOMAIN_ID, DOMAIN)
    await writer.run(Tx.change, update(domains).values(verified=False))
    assert b"DKIM-Signature" not in await sent(writer, clock, start_engine, tmp_path, f"no-reply@{DOMAIN}")


async def test_platform_mail_is_not_signed_with_the_keys_of_another_domain(
    database: Database, writer: Writer, start_engine: StartEngine, clock: ManualClock, tmp_path: Path
) -> None:
    await writer.run(add_domain, new_id(), DOMAIN_ID, f"other.{DOMAIN}")
    assert b"DKIM-Signature" not in await sent(writer, clock, start_engine, tmp_path, f"no-reply@{DOMAIN}")
