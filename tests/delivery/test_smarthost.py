"""SMTP with one host, and every reply or failure at each command (DELIVERY's fault matrix)."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from server.delivery.smtp.handshake import connect
from server.delivery.smtp.target import AttemptFailed, Credentials, Target, Timeouts
from server.delivery.transport import LeaseLost, OutgoingMessage
from server.delivery.transports.smarthost import Smarthost, target_of
from server.delivery.verdict import Outcome, Verdict
from server.net.dns import Resolver
from server.settings import SettingsError
from tests.delivery.letters import CONTENT, IMPATIENT, SHORT, Dots, letter, settings
from tests.harness.certificates import throw_away
from tests.harness.smtp_sink import SmtpSink
from tests.harness.waiting import until

Open = Callable[..., Smarthost]


@pytest.fixture
async def smarthost(sink: SmtpSink) -> AsyncIterator[Open]:
    opened: list[Smarthost] = []

    def open_(url: str | None = None, timeouts: Timeouts = SHORT, **options: Any) -> Smarthost:
        configured = settings(url or sink.url)
        opened.append(Smarthost(configured, Resolver(configured), timeouts, **options))
        return opened[-1]

    yield open_
    for transport in opened:
        await transport.close()


def deliver(
    transport: Smarthost, *recipients: str, dot: Dots | None = None, mail: OutgoingMessage | None = None
) -> Awaitable[dict[int, Outcome]]:
    numbered = dict(enumerate(recipients, start=1))
    return transport.deliver(mail or letter(), numbered, transport.site_of("x"), dot or Dots())


async def one(transport: Smarthost, recipient: str, **options: Any) -> Outcome:
    return (await deliver(transport, recipient, **options))[1]


async def test_a_message_arrives_byte_for_byte(sink: SmtpSink, smarthost: Open) -> None:
    dot = Dots()
    outcomes = await deliver(smarthost(), "ok@r.test", "you@r.test", dot=dot)
    assert [outcome.verdict for outcome in outcomes.values()] == [Verdict.DELIVERED] * 2
    assert (outcomes[1].code, outcomes[1].status, outcomes[1].host) == (250, "2.0.0", "a private host")
    [message] = sink.messages
    assert message.data == CONTENT
    assert message.mail_from == "shop@sender.test"
    assert message.rcpts == ("ok@r.test", "you@r.test")
    assert dot.before_ == [[1, 2]]
    assert dot.after_ == [outcomes]


@pytest.mark.parametrize(
    ("recipient", "verdict", "status"),
    [
        ("550-rcpt", Verdict.BOUNCED, "5.1.1"),
        ("451-rcpt", Verdict.DEFERRED, "4.2.1"),
        ("421-rcpt", Verdict.DEFERRED, "4.2.1"),
        ("550-data", Verdict.BOUNCED, "5.0.0"),
        ("451-data", Verdict.DEFERRED, "4.0.0"),
        ("421-data", Verdict.DEFERRED, "4.0.0"),
        ("554-dot", Verdict.BOUNCED, "5.0.0"),
        ("452-dot", Verdict.DEFERRED, "4.0.0"),
        ("421-dot", Verdict.DEFERRED, "4.0.0"),
        ("drop-rcpt", Verdict.DEFERRED, "4.4.2"),
        ("drop-data", Verdict.DEFERRED, "4.4.2"),
        ("drop-in-data", Verdict.DEFERRED, "4.4.2"),
        ("garbage-rcpt", Verdict.DEFERRED, "4.4.2"),
        ("endless-rcpt", Verdict.DEFERRED, "4.4.2"),
        ("garbage-data", Verdict.DEFERRED, "4.4.2"),
        ("endless-data", Verdict.DEFERRED, "4.4.2"),
    ],
)
@pytest.mark.parametrize("features", [("PIPELINING", "8BITMIME"), ()], ids=["pipelining", "one by one"])
async def test_every_reply_has_its_verdict(
    sink: SmtpSink, smarthost: Open, recipient: str, verdict: Verdict, status: str, features: tuple[str, ...]
) -> None:
    sink.features = features
    outcome = await one(smarthost(), f"{recipient}@r.test")
    assert outcome.verdict is verdict
    assert outcome.status == status
    # A hang-up in the middle of the message looks the same as one after it.
    assert outcome.uncertain == (recipient == "drop-in-data")
    assert sink.messages == []


@pytest.mark.parametrize("recipient", ["drop-after-dot", "drop-dot", "garbage-dot", "endless-dot"])
async def test_a_lost_reply_to_the_dot_is_uncertain_and_never_tried_elsewhere(
    sink: SmtpSink, smarthost: Open, recipient: str
) -> None:
    """RFC 1047: the receiver may have it."""
    dot = Dots()
    outcome = await one(smarthost(), f"{recipient}@r.test", dot=dot)
    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.uncertain
    assert dot.before_ == [[1]]
    assert dot.after_ == [{1: outcome}]
    assert sink.connections == 1


@pytest.mark.parametrize(("verb", "uncertain"), [("rcpt", False), ("data", False), ("dot", True)])
async def test_a_host_that_never_answers_is_given_up(
    sink: SmtpSink, smarthost: Open, verb: str, uncertain: bool
) -> None:
    outcome = await one(smarthost(timeouts=IMPATIENT), f"hang-{verb}@r.test")
    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.uncertain == uncertain
    assert "no reply within" in outcome.text


async def test_a_silent_host_is_given_up(sink: SmtpSink, smarthost: Open) -> None:
    sink.banner = None
    assert (await one(smarthost(timeouts=IMPATIENT), "ok@r.test")).verdict is Verdict.DEFERRED


async def test_slow_host_gets_its_message(sink: SmtpSink, smarthost: Open) -> None:
    sink.tarpit_pause_s = 0.001
    assert (await one(smarthost(), "tarpit@r.test")).verdict is Verdict.DELIVERED


async def test_reply_in_drips_has_no_more_time_than_another(sink: SmtpSink, smarthost: Open) -> None:
    """A byte now and then must not hold a slot: the time is that of the whole reply."""
    sink.tarpit_pause_s = IMPATIENT.rcpt / 2
    outcome = await one(smarthost(timeouts=IMPATIENT), "tarpit@r.test")
    assert (outcome.verdict, outcome.host) == (Verdict.DEFERRED, "a private host")
    assert "no reply within" in outcome.text


async def test_recipients_of_one_message_have_separate_outcomes(sink: SmtpSink, smarthost: Open) -> None:
    dot = Dots()
    outcomes = await deliver(smarthost(), "550-rcpt@r.test", "ok@r.test", "451-rcpt@r.test", dot=dot)
    verdicts = {no: outcome.verdict for no, outcome in outcomes.items()}
    assert verdicts == {1: Verdict.BOUNCED, 2: Verdict.DELIVERED, 3: Verdict.DEFERRED}
    assert dot.before_ == [[2]]
    assert [message.rcpts for message in sink.messages] == [("ok@r.test",)]


async def test_bounce_before_the_connection_broke_is_kept(sink: SmtpSink, smarthost: Open) -> None:
    outcomes = await deliver(smarthost(), "550-rcpt@r.test", "drop-rcpt@r.test")
    assert outcomes[1].verdict is Verdict.BOUNCED
    assert outcomes[2].verdict is Verdict.DEFERRED


@pytest.mark.parametrize("refusal", ["550 5.7.1 your address is listed", "421 busy"])
@pytest.mark.parametrize("word", ["banner", "EHLO"])
async def test_refusal_before_mail_from_defers(
    sink: SmtpSink, smarthost: Open, refusal: str, word: str
) -> None:
    if word == "banner":
        sink.banner = refusal
    else:
        sink.replies |= {"EHLO": refusal, "HELO": refusal}
    outcome = await one(smarthost(), "ok@r.test")
    assert outcome.verdict is Verdict.DEFERRED
    assert outcome.code == int(refusal[:3])


async def test_a_refused_sender_bounces_every_recipient(sink: SmtpSink, smarthost: Open) -> None:
    outcomes = await deliver(smarthost(), "a@r.test", "b@r.test", mail=letter(sender="550-mail@sender.test"))
    assert [outcome.verdict for outcome in outcomes.values()] == [Verdict.BOUNCED] * 2
    assert outcomes[1].status == "5.7.1"


async def test_host_without_ehlo_is_greeted_with_helo(sink: SmtpSink, smarthost: Open) -> None:
    sink.replies["EHLO"] = "502 5.5.1 what?"
    assert (await one(smarthost(), "ok@r.test")).verdict is Verdict.DELIVERED
    assert [command.split()[0] for command in sink.commands] == ["EHLO", "HELO", "MAIL", "RCPT", "DATA"]


async def test_unreachable_host_defers(smarthost: Open) -> None:
    outcome = await one(smarthost("smtp://127.0.0.1:1"), "ok@r.test")
    assert (outcome.verdict, outcome.status, outcome.code) == (Verdict.DEFERRED, "4.4.1", 0)


async def test_a_message_that_is_too_large_bounces_without_being_sent(
    sink: SmtpSink, smarthost: Open
) -> None:
    """RFC 1870."""
    sink.features = ("PIPELINING", "SIZE 50")
    outcome = await one(smarthost(), "ok@r.test")
    assert (outcome.verdict, outcome.status) == (Verdict.BOUNCED, "5.3.4")
    assert not any(command.startswith("MAIL") for command in sink.commands)


async def test_a_large_message_arrives_whole(sink: SmtpSink, smarthost: Open) -> None:
    content = CONTENT + b".x\r\n" * 500_000
    assert (await one(smarthost(), "ok@r.test", mail=letter(content))).verdict is Verdict.DELIVERED
    assert sink.messages[0].data == content


async def test_non_ascii_addresses_need_smtputf8(sink: SmtpSink, smarthost: Open) -> None:
    """RFC 6531."""
    outcome = await one(smarthost(), "用户@r.test", mail=letter(needs_utf8=True))
    assert outcome.verdict is Verdict.DELIVERED
    assert any(command.endswith("SMTPUTF8 BODY=8BITMIME") for command in sink.commands)
    sink.features = ("PIPELINING",)
    outcomes = await deliver(smarthost(), "ok@r.test", "用户@r.test")
    assert outcomes[1].verdict is Verdict.DELIVERED
    assert (outcomes[2].verdict, outcomes[2].status) == (Verdict.BOUNCED, "5.6.7")
    outcome = await one(smarthost(), "ok@r.test", mail=letter(needs_utf8=True))
    assert outcome.status == "5.6.7"


async def test_address_cannot_inject_a_command(sink: SmtpSink, smarthost: Open) -> None:
    outcome = await one(smarthost(), "a\r\nRSET\r\n@r.test")
    assert outcome.verdict is Verdict.BOUNCED
    assert (await one(smarthost(), "a> b<c@r.test")).verdict is Verdict.DELIVERED
    assert 'RCPT TO:<"a> b<c"@r.test>' in sink.commands
    assert not any(command.startswith("RSET") for command in sink.commands)


# Reuse.


async def test_connection_is_reused(sink: SmtpSink, smarthost: Open) -> None:
    transport = smarthost()
    for recipient in ("ok@r.test", "550-rcpt@r.test", "ok@r.test", "451-data@r.test", "ok@r.test"):
        await one(transport, recipient)
    assert sink.connections == 1
    assert len(sink.messages) == 3


async def test_connection_closed_by_the_host_costs_no_attempt(sink: SmtpSink, smarthost: Open) -> None:
    transport = smarthost()
    await one(transport, "ok@r.test")
    for session in list(sink.sessions):
        session.abort()
    await until(lambda: not sink.sessions)
    assert (await one(transport, "ok@r.test")).verdict is Verdict.DELIVERED
    assert sink.connections == 2


async def test_host_that_limits_messages_per_connection_gets_more_connections(
    sink: SmtpSink, smarthost: Open
) -> None:
    sink.messages_per_connection = 1
    transport = smarthost()
    for _ in range(3):
        assert (await one(transport, "ok@r.test")).verdict is Verdict.DELIVERED
    assert sink.connections == 3


async def test_a_connection_ends_after_a_hundred_messages(sink: SmtpSink, smarthost: Open) -> None:
    transport = smarthost()
    for _ in range(101):
        await one(transport, "ok@r.test")
    assert [sum(m.connection == n for m in sink.messages) for n in (1, 2)] == [100, 1]


async def test_idle_connection_ends_with_quit(sink: SmtpSink, smarthost: Open) -> None:
    await one(smarthost(idle_s=0.05), "ok@r.test")
    await until(lambda: not sink.sessions)
    assert sink.commands[-1] == "QUIT"


# The lease.


async def test_no_dot_is_sent_for_a_lost_lease(sink: SmtpSink, smarthost: Open) -> None:
    transport = smarthost()
    with pytest.raises(LeaseLost):
        await one(transport, "ok@r.test", dot=Dots(lost=True))
    await until(lambda: not sink.sessions)
    assert sink.messages == []


async def test_cancelled_delivery_closes_its_connection(sink: SmtpSink, smarthost: Open) -> None:
    delivery = asyncio.ensure_future(deliver(smarthost(), "hang-dot@r.test"))
    await until(lambda: "DATA" in sink.commands)
    delivery.cancel()
    await asyncio.gather(delivery, return_exceptions=True)
    assert delivery.cancelled()
    await until(lambda: not sink.sessions)


# TLS and AUTH.


async def test_tls_is_used_where_it_is_offered(sink: SmtpSink, smarthost: Open) -> None:
    sink.starttls = True
    assert (await one(smarthost(), "ok@r.test")).verdict is Verdict.DELIVERED
    assert sink.messages[0].tls
    assert [command.split()[0] for command in sink.commands][:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


async def test_failed_tls_handshake_is_followed_by_one_attempt_in_clear(
    sink: SmtpSink, smarthost: Open
) -> None:
    sink.starttls = sink.broken_tls = True
    assert (await one(smarthost(), "ok@r.test")).verdict is Verdict.DELIVERED
    assert not sink.messages[0].tls
    assert sink.connections == 2


async def test_required_tls_is_verified_and_never_downgraded(sink: SmtpSink, smarthost: Open) -> None:
    url = f"smtp+starttls://localhost:{sink.port}"
    assert (await one(smarthost(url), "ok@r.test")).status == "4.7.10"
    sink.starttls = True
    assert (await one(smarthost(url), "ok@r.test")).status == "4.7.5"
    assert sink.messages == []
    trusting = smarthost(url, verified=throw_away().client_context())
    assert (await one(trusting, "ok@r.test")).verdict is Verdict.DELIVERED
    assert sink.messages[0].tls


async def test_tls_from_the_first_byte_is_verified(smarthost: Open) -> None:
    async with SmtpSink(implicit_tls=True) as sink:
        url = f"smtps://localhost:{sink.port}"
        assert (await one(smarthost(url), "ok@r.test")).verdict is Verdict.DEFERRED
        trusting = smarthost(url, verified=throw_away().client_context())
        assert (await one(trusting, "ok@r.test")).verdict is Verdict.DELIVERED


async def test_credentials_are_used(sink: SmtpSink, smarthost: Open) -> None:
    sink.credentials = ("us er", "p@ss:word")
    url = f"smtp://us%20er:p%40ss%3Aword@127.0.0.1:{sink.port}"
    assert (await one(smarthost(url), "ok@r.test")).verdict is Verdict.DELIVERED
    wrong = await one(smarthost(url.replace("word", "w0rd")), "ok@r.test")
    assert (wrong.verdict, wrong.code) == (Verdict.DEFERRED, 535)


async def test_password_is_not_sent_in_clear_to_another_machine(
    sink: SmtpSink,
) -> None:
    """This address reaches the sink, but is none that we know as our own."""
    sink.credentials = ("user", "password")
    target = Target("relay.test", "::ffff:127.0.0.1", sink.port, credentials=Credentials("user", "password"))
    with pytest.raises(AttemptFailed) as failed:
        await connect(target, "me.test", ssl.create_default_context(), SHORT)
    assert failed.value.outcome.status == "4.7.11"
    assert not any(command.startswith("AUTH") for command in sink.commands)


async def test_reply_injected_before_tls_is_discarded(smarthost: Open) -> None:
    """RFC 3207 section 4.2: else a man in the middle could answer for the host and claim its extensions."""
    seen: list[str] = []

    async def host(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def said(answer: str) -> str:
            writer.write(answer.encode())
            seen.append((await reader.readline()).decode().strip())
            return seen[-1]

        await said("220 host.test\r\n")
        await said("250-host.test\r\n250 STARTTLS\r\n")
        writer.write(b"220 go ahead\r\n250-slipped.in\r\n250 SIZE 1\r\n250-and half a re")
        await writer.start_tls(throw_away().server_context())
        seen.append((await reader.readline()).decode().strip())
        await said("250 host.test\r\n")
        writer.close()

    server = await asyncio.start_server(host, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outcome = await one(smarthost(f"smtp://127.0.0.1:{port}"), "ok@r.test")
    server.close()
    await server.wait_closed()
    assert outcome.verdict is Verdict.DEFERRED
    assert seen == ["EHLO localhost", "STARTTLS", "EHLO localhost", "MAIL FROM:<shop@sender.test>"]


def test_credentials_are_never_sent_in_clear_beyond_this_machine() -> None:
    assert target_of("smtp://u:p@relay.test").tls.value == "required"
    assert target_of("smtp://u:p@relay.test").port == 587
    assert target_of("smtp://u:p@127.0.0.1:25").tls.value == "opportunistic"
    assert "secret" not in repr(target_of("smtp://u:secret@relay.test"))


@pytest.mark.parametrize(
    "url", ["smtp://", "http://x", "smtp://x:port", "capturee", "smtp://x/path", "smtp://[::1"]
)
def test_invalid_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        target_of(url)
    assert "ZIDIMAIL_TRANSPORT" in str(refused.value)


# Mail that may only travel encrypted.


SECRET = replace(letter(), needs_tls=True)


async def test_mail_that_must_be_encrypted_is_never_sent_in_clear(sink: SmtpSink, smarthost: Open) -> None:
    outcome = await one(smarthost(), "ok@r.test", mail=SECRET)
    assert (outcome.verdict, outcome.status) == (Verdict.DEFERRED, "4.7.10")
    assert sink.messages == []


async def test_mail_that_must_be_encrypted_waits_when_tls_fails(sink: SmtpSink, smarthost: Open) -> None:
    sink.starttls = sink.broken_tls = True
    outcome = await one(smarthost(), "ok@r.test", mail=SECRET)
    assert (outcome.verdict, outcome.status) == (Verdict.DEFERRED, "4.7.5")
    assert sink.messages == []


async def test_mail_that_must_be_encrypted_takes_no_connection_in_clear(
    sink: SmtpSink, smarthost: Open
) -> None:
    transport = smarthost()
    assert (await one(transport, "ok@r.test")).verdict is Verdict.DELIVERED
    sink.starttls = True
    for _ in range(2):
        assert (await one(transport, "ok@r.test", mail=SECRET)).verdict is Verdict.DELIVERED
    assert [message.tls for message in sink.messages] == [False, True, True]
    assert sink.connections == 2
