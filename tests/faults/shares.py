"""One Free organisation takes all that it can of what organisations share, while another one sends.

The other's mail must first be tried within `TRIED_S`, its link be fetched and its domain be verified, while
the first one's mail, look-ups and links still wait for hosts that say nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.organisations import Kind, Organisation
from tests.harness.smtp_sink import SmtpSink
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink, page

# Seconds from the accept of the other's email to its first attempt.
TRIED_S = 2.0
# Seconds that its verification may take under attack, far below the 30 of its caller's patience.
VERIFIED_S = 10.0
SITES, MAILS, DOMAINS, LINKS, SCHEDULED = 70, 2_000, 100, 25, 120_000
# The seconds of an attack with all of the scheduled emails; and those that are taken in a second, at least.
LONG_S, TAKEN_EACH_S = 20.0, 500
_PAUSE_S = 0.5
_AMPLE = {"burst": "100000", "daily": "1000000", "monthly": "1000000", "unique": "1000000"}
_OWNED = {"domains": "1000", "scheduled": "1000000"}
KINDS = {
    "greedy": Kind(["--plan", "free"], _AMPLE | _OWNED),
    "greedier": Kind(["--plan", "free"], _AMPLE | _OWNED),
    "modest": Kind(["--plan", "free"], _AMPLE),
}


async def run(folder: Path, seconds: float, *, names: str = "") -> list[str]:
    """Runs each attack for `seconds`, and prints a line for each; returns the broken promises.

    Only those whose name contains `names`.
    """
    broken: list[str] = []
    await asyncio.to_thread(folder.mkdir)
    async with AsyncExitStack() as stack:
        dns = await stack.enter_async_context(DnsServer())
        good = await stack.enter_async_context(SmtpSink())
        files = await stack.enter_async_context(WebhookSink())
        files.pages["/a.csv"] = page(b"a,b\n", Content_Type="text/csv")
        for number in range(SITES):
            await stack.enter_async_context(
                SmtpSink(host=f"127.0.1.{number + 1}", port=good.port, banner=None)
            )
            dns.zones[f"s{number}.silent.test", "A"] = [f"127.0.1.{number + 1}"]
        dns.zones["good.test", "A"] = ["127.0.0.1"]
        env = {
            "ZIDIMAIL_DNS": dns.address,
            "ZIDIMAIL_MX_PORT": str(good.port),
            "ZIDIMAIL_HOSTNAME": "mx.us.test",
        }
        programs = Stack(folder, transport="mx", env=env, kinds=KINDS)
        await asyncio.to_thread(programs.start)
        stack.callback(programs.stop)
        world = World(programs, dns, good, files)
        for name, attack in world.attacks(seconds).items():
            if names not in name:
                continue
            async with attack():
                found = await world.other(seconds)
            print(f"{name}: {found}", flush=True)
            if found.tried_s > TRIED_S or found.verified_s > VERIFIED_S or found.refused:
                broken.append(name)
    return broken


class Found:
    """The effect on the other organisation: seconds to its first attempts and its verification, refusals."""

    def __init__(self) -> None:
        self.tried_s = 0.0
        self.verified_s = 0.0
        self.emails = 0
        self.refused: list[str] = []

    def __str__(self) -> str:
        return (
            f"{self.emails} emails of another organisation, tried after {self.tried_s:.2f} s at most; its "
            f"domain verified in {self.verified_s:.2f} s; refused: {self.refused or 'nothing'}"
        )


class World:
    """A running stack, and the hosts that it talks to."""

    def __init__(self, stack: Stack, dns: DnsServer, good: SmtpSink, files: WebhookSink) -> None:
        self._stack = stack
        self._dns = dns
        self._good = good
        self._files = files
        self._numbers = iter(range(10**9))

    def attacks(self, seconds: float) -> dict[str, Callable[[], AbstractAsyncContextManager[None]]]:
        """The attacks by name; each lasts as long as its block, which takes about these seconds."""
        scheduled = min(SCHEDULED, int(seconds * SCHEDULED / LONG_S))
        return {
            f"{SITES * 4} emails to {SITES} silent sites": self.silent_sites,
            f"{MAILS} emails under silent name servers": self.silent_name_servers,
            f"{DOMAINS} verifications under silent name servers": self.verifications,
            f"{LINKS} dripping links each of two organisations": self.links,
            f"{scheduled} scheduled emails that are due": partial(self.scheduled, scheduled),
        }

    async def other(self, seconds: float) -> Found:
        """The other organisation sends, one email after the other, and verifies its domain."""
        found, end = Found(), time.monotonic() + seconds
        modest = self._stack.orgs["modest"]
        async with self._session(modest) as session:
            name = f"m{next(self._numbers)}.example.com"
            async with session.post("/v1/domains", json={"domain": name}) as answer:
                id = (await answer.json())["id"]
            began = time.monotonic()
            async with session.post(f"/v1/domains/{id}/verify") as answer:
                if answer.status != 200:
                    found.refused.append(f"verify {answer.status}")
            found.verified_s = time.monotonic() - began
            while time.monotonic() < end:
                address = f"ok+{next(self._numbers)}@good.test"
                files = [{"filename": "a.csv", "path": f"{self._files.url}/a.csv"}]
                async with session.post(
                    "/v1/emails", json=email(modest, address, attachments=files)
                ) as answer:
                    accepted_at = time.monotonic()
                    if answer.status != 200:
                        found.refused.append(f"send {answer.status}")
                        continue
                await until(lambda: self._good.to(address))  # noqa: B023
                found.tried_s = max(found.tried_s, time.monotonic() - accepted_at)
                found.emails += 1
                await asyncio.sleep(_PAUSE_S)
        return found

    @asynccontextmanager
    async def silent_sites(self) -> AsyncIterator[None]:
        """Mail to sites that take connections and never greet."""
        await self._send("greedy", (f"a{n}@s{n % SITES}.silent.test" for n in range(SITES * 4)))
        yield

    @asynccontextmanager
    async def silent_name_servers(self) -> AsyncIterator[None]:
        """Mail to domains for which no name server answers."""
        names = [f"n{next(self._numbers)}.unanswered.test" for _ in range(MAILS)]
        self._dns.zones.update({(name, "MX"): DnsFault.TIMEOUT for name in names})
        await self._send("greedy", (f"a@{name}" for name in names))
        yield

    @asynccontextmanager
    async def verifications(self) -> AsyncIterator[None]:
        """Verifications of many domains at once, for which no name server answers."""
        async with self._session(self._stack.orgs["greedy"]) as session:
            ids = []
            for number in range(DOMAINS):
                name = f"v{number}.unanswered.test"
                for prefix in ("", "_dmarc.", "send."):
                    for kind in ("TXT", "MX", "A", "AAAA"):
                        self._dns.zones[f"{prefix}{name}", kind] = DnsFault.TIMEOUT
                async with session.post("/v1/domains", json={"domain": name}) as answer:
                    ids.append((await answer.json())["id"])

            async def repeat(id: str) -> None:
                while True:
                    async with session.post(f"/v1/domains/{id}/verify") as answer:
                        await answer.read()

            async with together(map(repeat, ids)):
                yield

    @asynccontextmanager
    async def links(self) -> AsyncIterator[None]:
        """Sends with links to files that never come."""
        async with AsyncExitStack() as stack:
            for name in ("greedy", "greedier"):
                organisation = self._stack.orgs[name]
                session = await stack.enter_async_context(self._session(organisation))

                async def repeat(session: aiohttp.ClientSession, organisation: Organisation) -> None:
                    files = [{"filename": "a", "path": f"{self._files.url}/hang"}]
                    body = email(organisation, "a@good.test", attachments=files)
                    while True:
                        async with session.post("/v1/emails", json=body) as answer:
                            await answer.read()

                repeated = (repeat(session, organisation) for _ in range(LINKS))
                await stack.enter_async_context(together(repeated))
            yield

    @asynccontextmanager
    async def scheduled(self, number: int) -> AsyncIterator[None]:
        """Emails that are all due at one time, which is the beginning of the block."""
        due = datetime.now(UTC) + timedelta(seconds=number / TAKEN_EACH_S)
        time_text = due.isoformat(timespec="seconds")
        await self._send("greedy", (f"ok@s{n % SITES}.silent.test" for n in range(number)), time_text)
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        yield

    async def _send(self, name: str, addresses: Iterable[str], scheduled_at: str | None = None) -> None:
        organisation, waiting = self._stack.orgs[name], list(addresses)
        fields = {} if scheduled_at is None else {"scheduled_at": scheduled_at}
        async with self._session(organisation) as session:
            for start in range(0, len(waiting), 100):
                batch = [email(organisation, address, **fields) for address in waiting[start : start + 100]]
                async with session.post("/v1/emails/batch", json=batch) as answer:
                    assert answer.status == 200, await answer.text()

    def _session(self, organisation: Organisation) -> aiohttp.ClientSession:
        headers = {"authorization": f"Bearer {organisation.api_key}"}
        return aiohttp.ClientSession(self._stack.http, headers=headers)


def email(organisation: Organisation, address: str, **fields: Any) -> dict[str, Any]:
    """An email of an organisation as JSON."""
    return {"from": f"a@{organisation.domain}", "to": [address], "subject": "s", "text": "t", **fields}


@asynccontextmanager
async def together(tasks: Iterable[Awaitable[None]]) -> AsyncIterator[None]:
    """Runs these until the block ends."""
    running = [asyncio.ensure_future(task) for task in tasks]
    try:
        # All requests are on their way.
        await asyncio.sleep(1.0)
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
