"""SMTP clients that send without pause while the relay and the server are killed."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from tests.harness.ledger import LEDGER_HEADER, ClientBook
from tests.harness.smtp_client import Closed, Reply, SmtpClient
from tests.harness.stack import Stack

# Replies after which a client does not know, or must come again: the relay or the server is away, or stops.
LATER = frozenset({421, 451, 454})
# A dead relay or server is noticed at once: clients of the field wait before they come again.
RETRY_PAUSE_S = 0.05
DESTINATIONS = ("ok", "ok", "ok", "ok", "ok", "ok", "550-rcpt")
LINE = b"One line of the books, and a dot:\r\n..\r\n"
# Lines of a message: most are small, some are large enough for a file and a call of their own.
LINES = (10, 10, 10, 500, 10_000)


class Surprise(Exception):
    """The relay refused a message that is in order."""


class Mail:
    """A message of the books: its envelope and its lines, in SMTP's form but for the end."""

    def __init__(self, ledger_id: str, recipients: list[str], domain: str, *, has_key: bool) -> None:
        self.ledger_id = ledger_id
        self.recipients = recipients
        self.sender = f"ledger@{domain}"
        body = LINE * random.choice(LINES)
        self.body_size = len(body.replace(b"\r\n..", b"\r\n."))
        head = {
            "From": f"Ledger <{self.sender}>",
            "To": ", ".join(recipients),
            "Subject": f"Entry {ledger_id}",
            LEDGER_HEADER: ledger_id,
            **({"Idempotency-Key": ledger_id} if has_key else {}),
        }
        self.text = "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n" + body

    @property
    def halves(self) -> tuple[bytes, bytes]:
        """The text in two pieces, cut anywhere."""
        cut = random.randrange(1, len(self.text))
        return self.text[:cut], self.text[cut:]


class Post:
    """The messages of a run, with the book of what was sent and acknowledged."""

    def __init__(self, stack: Stack, book: ClientBook) -> None:
        self._stack = stack
        self._book = book
        self._numbers = itertools.count(1)
        self.body_sizes: dict[str, int] = {}
        self.replies: Counter[str] = Counter()

    def next(self, *, has_key: bool) -> Mail:
        """Another message; with a key it may be sent again."""
        number = next(self._numbers)
        recipients = [
            f"{random.choice(DESTINATIONS)}+{number}.{n}@site{number % 3}.test"
            for n in range(1 if number % 4 else 3)
        ]
        mail = Mail(f"ledger-{number}", recipients, self._stack.domain, has_key=has_key)
        self._book.submitting(mail.ledger_id, recipients)
        self.body_sizes[mail.ledger_id] = mail.body_size
        return mail

    def connect(self) -> SmtpClient:
        """A client that has said EHLO and AUTH. Raises Closed, ConnectionError."""
        client = SmtpClient(self._stack.smtp_port)
        try:
            _accepted(client.reply(), 220)
            _accepted(client.command("EHLO ledger.test"), 250)
            _accepted(client.login(self._stack.api_key), 235)
        except BaseException:
            client.socket.close()
            raise
        return client

    def begin(self, client: SmtpClient, mail: Mail) -> None:
        """The transaction up to the text. Raises Closed, ConnectionError."""
        _accepted(client.command(f"MAIL FROM:<{mail.sender}>"), 250)
        for recipient in mail.recipients:
            _accepted(client.command(f"RCPT TO:<{recipient}>"), 250)
        _accepted(client.command("DATA"), 354)

    def end(self, client: SmtpClient, mail: Mail) -> bool:
        """Notes the reply to the end of the message; True if it was taken. Raises Closed, ConnectionError."""
        reply = client.reply()
        self.replies[str(reply.code)] += 1
        if reply.code in LATER:
            return False
        if reply.code != 250:
            raise Surprise(str(reply))
        self._book.acknowledge(mail.ledger_id, reply.lines[0].split("queued as ")[1].split()[0])
        return True


class _Away(ConnectionError):
    """The relay answers that it, or the server, is away."""


def _accepted(reply: Reply, code: int) -> None:
    if reply.code in LATER:
        raise _Away(str(reply))
    if reply.code != code:
        raise Surprise(str(reply))


class SmtpSenders:
    """A number of clients, each with one message at a time over connections that it keeps.

    Every other one gives its messages a key, and sends each again until it is taken. The others send each
    message once, whatever becomes of it.
    """

    def __init__(self, post: Post, count: int = 4) -> None:
        self._post = post
        self._count = count
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(count)
        self._sending: list[Future[None]] = []

    def start(self) -> None:
        """Begins to send."""
        self._sending = [self._pool.submit(self._send, bool(n % 2)) for n in range(self._count)]

    def stop(self) -> None:
        """Stops after each client's present message. Raises what a client raised."""
        self._stopping.set()
        self._pool.shutdown()
        self.check()

    def check(self) -> None:
        """Raises what a client raised so far."""
        for sending in self._sending:
            if sending.done():
                sending.result()

    def _send(self, has_key: bool) -> None:
        mails = self._mails(has_key)
        mail = next(mails)
        while mail is not None:
            try:
                with self._post.connect() as client:
                    while mail is not None:
                        self._post.begin(client, mail)
                        present = mail
                        if not has_key:
                            mail = next(mails)
                        client.send(present.text + b".\r\n")
                        if not self._post.end(client, present):
                            self._stopping.wait(RETRY_PAUSE_S)
                        elif has_key:
                            mail = next(mails)
            except (Closed, ConnectionError) as error:
                self._post.replies[type(error).__name__] += 1
                self._stopping.wait(RETRY_PAUSE_S)

    def _mails(self, has_key: bool) -> Iterator[Mail | None]:
        """Messages until the end, then None."""
        while not self._stopping.is_set():
            yield self._post.next(has_key=has_key)
        while True:
            yield None
