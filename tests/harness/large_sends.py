"""Emails of about 37 MiB as they come on each interface, good ones and ones that are refused."""

import os
from base64 import b64encode, encodebytes
from collections.abc import Mapping

import orjson
from zidimail.v1 import email_service_pb2 as pb

from tests.harness.attack import email

# The bytes of a file: in base64 about 37 MiB.
FILE_BYTES = 27 << 20
_WRONG = ["a@@b"]


def rest_sends(domain: str) -> Mapping[str, tuple[str, bytes]]:
    """Paths and bodies of sends with a large file, one of each dialect refused."""
    files = [{"filename": "a.bin", "content": b64encode(os.urandom(FILE_BYTES)).decode()}]
    good = email(domain, attachments=files)
    piece = files[0]["content"][: 4 << 20]
    many = [{"filename": f"a{number}.bin", "content": piece} for number in range(9)]
    v1, zsend = "/v1/emails", "/api/v1/zsend/emails"
    bodies = {
        "accepted": (v1, good),
        "of several files": (v1, {**good, "attachments": many}),
        "refused": (v1, {**good, "to": _WRONG}),
        "of an unverified domain": (v1, {**good, "from": "a@elsewhere.example"}),
        # One email may have 10 MiB there.
        "in the other dialect": (f"{zsend}/batch", {"emails": [_zsend_email(domain, piece)] * 3}),
        "refused in the other dialect": (zsend, {**_zsend_email(domain, piece), "attachments": files}),
    }
    return {f"large send {name}": (path, orjson.dumps(body)) for name, (path, body) in bodies.items()}


def _zsend_email(domain: str, content: str) -> dict[str, object]:
    files = [{"filename": f"a{number}.bin", "content": content} for number in range(3)]
    return {**email(domain, attachments=files), "to": "ok@example.net"}


def rpc_sends(domain: str) -> Mapping[str, tuple[str, bytes]]:
    """Methods and messages of sends with a large file, and of large finished messages."""
    one = pb.SendEmailRequest(**{"from": f"a@{domain}"}, to=["ok@example.net"], subject="s", text="t")
    one.attachments.add(filename="a.bin", content=os.urandom(37 << 20))
    wrong = pb.SendEmailRequest(to=_WRONG)
    wrong.MergeFrom(one)
    head = (
        f"From: a@{domain}\r\nTo: ok@example.net\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nt\r\n--b\r\n'
        "Content-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    lines = encodebytes(os.urandom(FILE_BYTES - (1 << 20)))
    raw = head.encode() + lines.replace(b"\n", b"\r\n") + b"--b--\r\n"
    messages = {
        "SendEmail": {"large send accepted": one, "large send refused": wrong},
        "SendRawEmail": {
            "large message accepted": pb.SendRawEmailRequest(content=raw),
            "large message with LF": pb.SendRawEmailRequest(content=raw.replace(b"\r\n", b"\n")),
            "large message refused": pb.SendRawEmailRequest(content=raw, recipients=_WRONG),
        },
    }
    return {
        name: (f"zidimail.v1.EmailService/{method}", message.SerializeToString())
        for method, named in messages.items()
        for name, message in named.items()
    }
