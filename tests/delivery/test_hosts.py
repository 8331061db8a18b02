"""The hosts of one site in turn: who decides what a refusal means (C-60; RFC 5321 section 5.1)."""

import pytest

from server.delivery.transports.mx import Mx
from server.delivery.verdict import Outcome, Stage, Verdict
from tests.delivery.letters import CONTENT, Dots, letter
from tests.delivery.receivers import World
from tests.harness.smtp_sink import SmtpSink

LARGE = CONTENT + b"a line of the body\r\n" * 200_000


async def send(
    mx: Mx, *recipients: str, hooks: Dots | None = None, content: bytes = CONTENT
) -> list[Outcome]:
    numbered = dict(enumerate(recipients))
    outcomes = await mx.deliver(letter(content), numbered, mx.site_of("r.test"), hooks or Dots())
    return [outcomes[no] for no in numbered]


def verdicts(outcomes: list[Outcome]) -> list[str]:
    return [outcome.verdict.value for outcome in outcomes]


@pytest.mark.parametrize("features", [("PIPELINING", "8BITMIME"), ()], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["451 4.3.0 later", "421 4.3.2 closing", "550 4.2.1 odd", "452 full"])
async def test_refusal_for_now_of_one_host_moves_the_mail_to_the_next(
    world: World, verb: str, reply: str, features: tuple[str, ...]
) -> None:
    best, other = await world.site(2)
    best.features = features
    best.replies[verb] = reply
    hooks = Dots()
    [outcome] = await send(world.mx(), "ok@r.test", hooks=hooks)
    assert (outcome.verdict, outcome.host) == (Verdict.DELIVERED, "mx2.r.test")
    assert len(other.messages) == 1
    dots = 2 if verb == "DOT" else 1
    assert (len(hooks.before_), len(hooks.withdrawn_), len(hooks.after_)) == (dots, dots - 1, 1)


async def test_refusal_for_now_over_an_idle_connection_moves_the_mail_to_the_next_host(world: World) -> None:
    best, other = await world.site(2)
    mx = world.mx()
    await send(mx, "ok@r.test")
    best.replies["RCPT"] = "451 4.7.1 later"
    assert verdicts(await send(mx, "ok@r.test")) == ["delivered"]
    assert (best.connections, len(other.messages)) == (1, 1)


async def test_only_the_recipients_that_were_deferred_move_to_the_next_host(world: World) -> None:
    best, other = await world.site(2)
    outcomes = await send(world.mx(), "ok@r.test", "greylist-1@r.test", "550-rcpt@r.test", "451-rcpt@r.test")
    assert verdicts(outcomes) == ["delivered", "deferred", "bounced", "deferred"]
    assert [command for command in other.commands if command.startswith("RCPT")] == [
        "RCPT TO:<greylist-1@r.test>",
        "RCPT TO:<451-rcpt@r.test>",
    ]
    assert best.messages[0].rcpts == ("ok@r.test",)


@pytest.mark.parametrize("over", ["a new connection", "an idle connection"])
async def test_next_attempt_begins_with_another_host(world: World, over: str) -> None:
    sinks = await world.site(3)
    mx = world.mx()
    if over == "an idle connection":
        await send(mx, "ok@r.test")
    for sink in sinks:
        sink.replies["RCPT"] = "451 4.3.0 later"
    [outcome] = await send(mx, "b@r.test")
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, 451)
    for sink in sinks:
        sink.replies.clear()
    [outcome] = await send(mx, "b@r.test")
    assert outcome.verdict is Verdict.DELIVERED
    assert outcome.host != "mx1.r.test"


async def test_reply_of_one_host_is_kept_when_no_other_answers(world: World) -> None:
    best, other = await world.site(2)
    best.replies["RCPT"] = "451 4.7.1 greylisted"
    await other.stop()
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.code, outcome.text) == (Verdict.DEFERRED, 451, "greylisted")


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_refusal_for_good_is_not_put_to_the_next_host(world: World, verb: str) -> None:
    best, other = await world.site(2)
    best.replies[verb] = "550 5.7.1 unwanted"
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.stage) == (Verdict.BOUNCED, Stage(verb.lower()))
    assert other.connections == 0


# Limits of one host.


@pytest.mark.parametrize("announced", ["in EHLO", "in reply to MAIL", "without an enhanced code"])
async def test_size_that_is_too_small_at_one_host_is_no_bounce_while_hosts_are_left(
    world: World, announced: str
) -> None:
    """RFC 1870 section 6.1."""
    small, large = await world.site(2)
    match announced:
        case "in EHLO":
            small.features = ("PIPELINING", "SIZE 50")
        case "in reply to MAIL":
            small.replies["MAIL"] = "552 5.3.4 too big"
        case _:
            small.replies["MAIL"] = "552 too big"
    assert verdicts(await send(world.mx(), "ok@r.test")) == ["delivered"]
    assert (len(small.messages), len(large.messages)) == (0, 1)


async def test_message_too_large_for_every_host_bounces(world: World) -> None:
    for sink in await world.site(2):
        sink.features = ("SIZE 50",)
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.status) == (Verdict.BOUNCED, "5.3.4")


async def test_message_too_large_for_the_hosts_that_answer_waits_for_the_others(world: World) -> None:
    small, other = await world.site(2)
    small.features = ("SIZE 50",)
    await other.stop()
    assert verdicts(await send(world.mx(), "ok@r.test")) == ["deferred"]


async def test_recipient_beyond_ascii_is_put_to_the_host_that_takes_it(world: World) -> None:
    plain, other = await world.site(2)
    plain.features = ("PIPELINING",)
    assert verdicts(await send(world.mx(), "ok@r.test", "用户@r.test")) == ["delivered", "delivered"]
    assert [message.rcpts for sink in (plain, other) for message in sink.messages] == [
        ("ok@r.test",),
        ("用户@r.test",),
    ]


# STARTTLS that fails.


REFUSED_IN_CLEAR = ["530 Must issue a STARTTLS command first", "550 5.7.1 encrypt your mail", "554 no"]


@pytest.mark.parametrize("reply", REFUSED_IN_CLEAR)
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("failure", ["handshake", "refused"])
async def test_refusal_in_clear_after_tls_failed_moves_the_mail_to_the_next_host(
    world: World, reply: str, verb: str, failure: str
) -> None:
    broken, other = await world.site(2)
    fail_tls(broken, failure)
    broken.replies[verb] = reply
    assert verdicts(await send(world.mx(), "ok@r.test")) == ["delivered"]
    assert len(other.messages) == 1


@pytest.mark.parametrize("reply", REFUSED_IN_CLEAR)
@pytest.mark.parametrize("failure", ["handshake", "refused"])
async def test_refusal_in_clear_after_tls_failed_is_no_bounce(world: World, reply: str, failure: str) -> None:
    [broken] = await world.site(1)
    fail_tls(broken, failure)
    broken.replies["RCPT"] = reply
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.code) == (Verdict.DEFERRED, int(reply[:3]))


@pytest.mark.parametrize("reply", ["530 5.7.0 Must issue STARTTLS first", "550 5.7.10 encryption needed"])
async def test_host_that_demands_tls_without_offering_it_is_asked_again(world: World, reply: str) -> None:
    [host] = await world.site(1)
    host.replies["MAIL"] = reply
    assert verdicts(await send(world.mx(), "ok@r.test")) == ["deferred"]


async def test_refusal_over_tls_is_final(world: World) -> None:
    [host] = await world.site(1)
    host.starttls = True
    host.replies["MAIL"] = "530 5.7.1 authenticate first"
    assert verdicts(await send(world.mx(), "ok@r.test")) == ["bounced"]


def fail_tls(sink: SmtpSink, failure: str) -> None:
    sink.starttls = True
    if failure == "handshake":
        sink.broken_tls = True
    else:
        sink.replies["STARTTLS"] = "454 4.7.0 TLS not available"


# Too many recipients.


@pytest.mark.parametrize("features", [("PIPELINING",), ()], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("order", ["partial", "partial-552"])
async def test_recipients_beyond_a_hosts_limit_go_at_once_in_further_transactions(
    world: World, features: tuple[str, ...], order: str
) -> None:
    """RFC 5321 section 4.5.3.1.10."""
    [host] = await world.site(1)
    host.features = features
    outcomes = await send(world.mx(), *(f"{order}+{no}@r.test" for no in range(5)))
    assert verdicts(outcomes) == ["delivered"] * 5
    assert [message.rcpts for message in host.messages] == [(f"{order}+{no}@r.test",) for no in range(5)]
    assert host.connections == 1


async def test_recipients_beyond_a_limit_go_over_a_new_connection_if_the_host_ends_the_old_one(
    world: World,
) -> None:
    [host] = await world.site(1)
    host.messages_per_connection = 1
    outcomes = await send(world.mx(), *(f"partial+{no}@r.test" for no in range(4)))
    assert verdicts(outcomes) == ["delivered"] * 4
    assert host.connections == 4


async def test_a_full_mailbox_is_not_asked_again_and_again(world: World) -> None:
    [host] = await world.site(1)
    outcomes = await send(world.mx(), "ok@r.test", "452-rcpt@r.test", "552-rcpt@r.test")
    assert verdicts(outcomes) == ["delivered", "deferred", "bounced"]
    assert len([command for command in host.commands if command.startswith("MAIL")]) == 2


async def test_rest_goes_to_the_next_host_when_the_message_was_deferred(world: World) -> None:
    best, other = await world.site(2)
    best.replies["DOT"] = "451 4.3.0 later"
    outcomes = await send(world.mx(), "partial+1@r.test", "partial+2@r.test")
    assert verdicts(outcomes) == ["delivered"] * 2
    assert len(other.messages) == 2


# A reply in the middle of the message.


@pytest.mark.parametrize("content", [CONTENT, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("features", [("PIPELINING",), ()], ids=["pipelining", "one by one"])
async def test_refusal_for_good_in_the_middle_of_the_message_is_final(
    world: World, content: bytes, features: tuple[str, ...]
) -> None:
    best, other = await world.site(2)
    best.features = features
    [outcome] = await send(world.mx(), "552-in-data@r.test", content=content)
    assert (outcome.verdict, outcome.code, outcome.uncertain) == (Verdict.BOUNCED, 552, False)
    assert outcome.stage is not Stage.RCPT
    assert other.connections == 0


async def test_refusal_for_now_in_the_middle_of_the_message_moves_it_to_the_next_host(world: World) -> None:
    best, other = await world.site(2)
    best.features = ("PIPELINING",)
    await send(world.mx(), "451-in-data@r.test", content=LARGE)
    assert (best.connections, other.connections) == (1, 1)


async def test_refused_sender_is_final_also_when_the_host_hangs_up(world: World) -> None:
    [host] = await world.site(1)
    host.hang_up_after = "MAIL"
    host.replies["MAIL"] = "550 5.7.1 unwanted"
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.stage) == (Verdict.BOUNCED, Stage.MAIL)


# Replies of several lines.


async def test_reply_with_several_codes_is_taken_by_its_last_line(world: World) -> None:
    """A reply that was not understood after the dot would mean a second copy."""
    [host] = await world.site(1)
    host.replies["DOT"] = "354-thinking\r\n250-2.0.0 queued\r\n250 2.0.0 taken"
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.uncertain) == (Verdict.DELIVERED, False)
    host.replies["DOT"] = "250-2.0.0 virus scan\r\n554 5.7.1 unwanted"
    [outcome] = await send(world.mx(), "ok@r.test")
    assert (outcome.verdict, outcome.status) == (Verdict.BOUNCED, "5.7.1")
