"""One connection to the SMTP sink: the protocol with pipelining."""

import asyncio
import base64
import ssl
from typing import TYPE_CHECKING, cast

from tests.harness.behaviour import ACCEPT, Behaviour, behaviour_of

if TYPE_CHECKING:
    from tests.harness.smtp_sink import SmtpSink

LONGEST_LINE = 8192
TARPIT_PAUSE_S = 0.05
END_OF_DATA = b"\r\n.\r\n"


class SmtpSession(asyncio.Protocol):
    """Speaks to one client and obeys the addresses it names (`tests.harness.behaviour`)."""

    def __init__(self, sink: "SmtpSink", number: int, *, tls: bool = False) -> None:
        self._sink = sink
        self.number = number
        self.tls = tls
        self._buffer = bytearray()
        self._searched = 0
        self._out = bytearray()
        self._waiting = False
        self._held = False
        self._in_data = False
        self._tarpit = False
        self._messages = 0
        self._auth_step = ""
        self._reset()

    def _reset(self) -> None:
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._orders: list[Behaviour] = []

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets, unless the sink has no banner."""
        self._transport = cast(asyncio.Transport, transport)
        self._sink.sessions.add(self)
        if self._sink.banner is not None:
            self._say(self._sink.banner)
            self._flush()
            if not self._sink.banner.startswith("2"):
                self._transport.close()

    def greet(self, banner: str) -> None:
        """Greets late."""
        self._say(banner)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._waiting = True
        self._sink.sessions.discard(self)

    def data_received(self, data: bytes) -> None:
        """Takes what came, and answers every whole command in it at once."""
        self._buffer += data
        self._work()

    def abort(self) -> None:
        """Breaks the connection off."""
        self._waiting = True
        self._transport.abort()

    def _work(self) -> None:
        while not self._waiting and (self._take_message() if self._in_data else self._take_command()):
            pass
        self._flush()

    def _say(self, line: str) -> None:
        self._out += line.encode("utf-8", "surrogateescape") + b"\r\n"

    def _flush(self) -> None:
        if not self._out or self._held or self._transport.is_closing():
            return
        if self._tarpit and not self._waiting:
            self._waiting = True
            self._drip()
        elif not self._tarpit:
            self._transport.write(bytes(self._out))
            self._out.clear()

    def _drip(self) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(bytes(self._out[:1]))
        del self._out[:1]
        if self._out:
            asyncio.get_running_loop().call_later(self._sink.tarpit_pause_s, self._drip)
        else:
            self._resume()

    def _resume(self) -> None:
        self._waiting = False
        self._work()

    def _hang_up(self) -> None:
        self._flush()
        self._waiting = True
        self._transport.close()

    # The commands.

    def _take_command(self) -> bool:
        end = self._buffer.find(b"\n")
        if end < 0:
            if len(self._buffer) > LONGEST_LINE:
                self._say("500 5.5.2 line too long")
                self._hang_up()
            return False
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if not line.endswith(b"\r\n"):
            self._sink.violations.append(f"command without CRLF: {line!r}")
        self._command(line.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
        return True

    def _command(self, line: str) -> None:
        if self._auth_step:
            return self._authenticate_further(line)
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        if self._sink.keep_commands:
            self._sink.commands.append(line)
        if (asked := self._sink.replies.get(verb)) is not None:
            self._say(asked)
            closes = asked.startswith("421") or verb == self._sink.hang_up_after
            return self._hang_up() if closes else None
        match verb:
            case "EHLO":
                self._reset()
                features = self._features()
                for feature in ["sink at your service", *features[:-1]]:
                    self._say(f"250-{feature}")
                self._say(f"250 {features[-1]}")
            case "HELO":
                self._reset()
                self._say("250 sink at your service")
            case "MAIL":
                self._mail(argument)
            case "RCPT":
                self._rcpt(argument)
            case "DATA":
                self._data()
            case "RSET":
                self._reset()
                self._say("250 2.0.0 ok")
            case "NOOP":
                self._say("250 2.0.0 ok")
            case "QUIT":
                self._say("221 2.0.0 bye")
                self._hang_up()
            case "STARTTLS" if self._sink.starttls and not self.tls:
                self._start_tls()
            case "AUTH" if self._sink.credentials is not None:
                self._authenticate(argument)
            case _:
                self._say("502 5.5.1 not known here")
        return None

    def _features(self) -> list[str]:
        features = list(self._sink.features)
        if self._sink.starttls and not self.tls:
            features.append("STARTTLS")
        if self._sink.credentials is not None:
            features.append("AUTH PLAIN LOGIN")
        return features or ["HELP"]

    def _mail(self, argument: str) -> None:
        if self._sink.credentials is not None and not self._authenticated:
            return self._say("530 5.7.0 authentication required")
        if self._sender is not None:
            return self._say("503 5.5.1 nested MAIL")
        sender = _path(argument)
        order = behaviour_of(sender)
        if not self._obey(order, "mail"):
            self._sender = sender
            self._say("250 2.1.0 ok")
        return None

    def _rcpt(self, argument: str) -> None:
        if self._sender is None:
            return self._say("503 5.5.1 MAIL first")
        recipient = _path(argument)
        order = behaviour_of(recipient)
        if order.act == "tarpit":
            self._tarpit = True
        if order.act == "greylist" and self._sink.count_greylisted(recipient) <= order.number:
            return self._say("451 4.7.1 greylisted, come back later")
        if order.act == "partial" and self._recipients:
            refusal = "552 5.5.3" if order.number == 552 else "452 4.5.3"
            return self._say(f"{refusal} too many recipients")
        if not self._obey(order, "rcpt"):
            self._recipients.append(recipient)
            self._orders.append(order)
            self._say("250 2.1.5 ok")
        return None

    def _data(self) -> None:
        if not self._recipients:
            return self._say(
                "554 5.5.1 no valid recipients" if self._sender is not None else "503 5.5.1 MAIL first"
            )
        if not self._obey(self._order_for("data"), "data"):
            self._in_data = True
            self._searched = 0
            # The dot of an empty message follows the command's own line end.
            self._buffer[:0] = b"\r\n"
            self._say("354 go ahead")
        return None

    def _order_for(self, verb: str) -> Behaviour:
        return next((order for order in self._orders if order.verb == verb), ACCEPT)

    def _obey(self, order: Behaviour, verb: str) -> bool:
        """Does what the order asks at this verb; False if it asks nothing."""
        if order.verb != verb:
            return False
        match order.act:
            case "drop":
                self._flush()
                self.abort()
            case "hang":
                self._flush()
                self._waiting = self._held = True
                if order.seconds is not None:
                    asyncio.get_running_loop().call_later(order.seconds, self._release)
                    return False
            case "garbage":
                self._out += b"\x00\xff\xfe not a reply\r\n"
            case "endless":
                self._waiting = True
                self._flood()
            case _:
                self._say(order.reply())
                if order.act == "421":
                    self._hang_up()
        return True

    def _release(self) -> None:
        self._held = False
        self._resume()

    def _flood(self) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() < 1 << 20:
            self._transport.write(b"250-" + b"x" * 500 + b"\r\n")
        asyncio.get_running_loop().call_later(0.001, self._flood)

    # The message.

    def _take_message(self) -> bool:
        end = self._buffer.find(END_OF_DATA, max(0, self._searched - len(END_OF_DATA)))
        if any(order.act == "drop-in-data" for order in self._orders) and len(self._buffer) > 2:
            self.abort()
            return False
        if len(self._buffer) > 2 and self._obey(self._order_for("in-data"), "in-data"):
            self._hang_up()
            return False
        if end < 0:
            self._searched = len(self._buffer)
            return False
        body = bytes(self._buffer[2 : end + 2])
        del self._buffer[: end + len(END_OF_DATA)]
        self._in_data = False
        if not set(b"\r\n").isdisjoint(body.replace(b"\r\n", b"")):
            self._sink.violations.append("bare CR or LF in a message")
        if not self._obey(self._order_for("dot"), "dot"):
            self._accept(body)
        self._reset()
        return True

    def _accept(self, body: bytes) -> None:
        data = body[1:] if body.startswith(b"..") else body
        data = data.replace(b"\r\n..", b"\r\n.")
        assert self._sender is not None
        self._sink.accept(self, self._sender, self._recipients, data)
        self._messages += 1
        if any(order.act == "drop-after-dot" for order in self._orders):
            return self.abort()
        asked = self._sink.replies.get("DOT", "250 2.0.0 ok, taken")
        limit = self._sink.messages_per_connection
        self._say(asked)
        if limit is not None and self._messages >= limit:
            self._say("421 4.7.0 enough for one connection")
            self._hang_up()
        return None

    # TLS and AUTH.

    def _start_tls(self) -> None:
        self._say("220 2.0.0 ready")
        self._flush()
        self._waiting = True
        # Commands sent ahead of the handshake must be thrown away (RFC 3207 section 4.2).
        self._buffer.clear()
        if self._sink.broken_tls:
            self._transport.write(b"\x15\x03\x01 this is not TLS\r\n")
            self._transport.close()
            return
        self._sink.background(self._shake_hands())

    async def _shake_hands(self) -> None:
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport, self, self._sink.tls_context(), server_side=True, ssl_handshake_timeout=10
            )
        except (OSError, ssl.SSLError):
            self._sink.failed_handshakes += 1
            self._transport.abort()
            return
        if transport is None:
            return
        self._transport = transport
        self.tls = True
        self._reset()
        self._resume()

    _authenticated = False

    def _authenticate(self, argument: str) -> None:
        mechanism, _, initial = argument.partition(" ")
        match mechanism.upper():
            case "PLAIN" if initial:
                self._check_plain(initial)
            case "PLAIN":
                self._auth_step = "plain"
                self._say("334 ")
            case "LOGIN":
                self._auth_step = "user"
                self._say("334 VXNlcm5hbWU6")
            case _:
                self._say("504 5.5.4 mechanism not known")

    def _authenticate_further(self, line: str) -> None:
        step, self._auth_step = self._auth_step, ""
        match step:
            case "plain":
                self._check_plain(line)
            case "user":
                self._login = base64.b64decode(line).decode()
                self._auth_step = "password"
                self._say("334 UGFzc3dvcmQ6")
            case _:
                self._check(self._login, base64.b64decode(line).decode())

    def _check_plain(self, initial: str) -> None:
        _, user, password = base64.b64decode(initial).decode().split("\0")
        self._check(user, password)

    def _check(self, user: str, password: str) -> None:
        self._authenticated = (user, password) == self._sink.credentials
        self._say("235 2.7.0 welcome" if self._authenticated else "535 5.7.8 wrong user or password")


def _path(argument: str) -> str:
    """The address between the angle brackets of `FROM:<...>` or `TO:<...>`."""
    _, _, rest = argument.partition("<")
    return rest.rpartition(">")[0] if ">" in rest else rest
