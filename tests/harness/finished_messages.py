"""Finished messages as mail programs write them, for tests that compare what arrives octet for octet."""

import base64
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from tests.harness.certificates import throw_away

TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello Ada,\r\nyour order is here.\r\n"
HTML = b'Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>Ada</b></p><img src="cid:logo">\r\n'
PNG = (
    b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <logo>\r\n"
    b"Content-Disposition: inline; filename=logo.png\r\n\r\n"
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf\r\nFcSJ\r\n"
)
PDF = (
    b'Content-Type: application/pdf; name="bill.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    b"Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf\r\n\r\n"
    + base64.encodebytes(bytes(range(256)) * 8).replace(b"\n", b"\r\n")
)
CALENDAR = (
    b"Content-Type: text/calendar; method=REQUEST; charset=UTF-8\r\n\r\nBEGIN:VCALENDAR\r\n"
    b"SUMMARY:Lunch\r\n\twith a folded line\r\nEND:VCALENDAR\r\n"
)


def multipart(kind: str, *parts: bytes, boundary: str = "=_b", more: str = "") -> bytes:
    """The header and body of a part that holds others."""
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\r\n\r\n'
    return head.encode() + body + f"--{boundary}--\r\n".encode()


def signed_with_pgp(part: bytes) -> bytes:
    """A part with an OpenPGP signature (RFC 3156)."""
    armour = (
        b"Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n"
        b"-----BEGIN PGP SIGNATURE-----\r\n\r\niQEzBAEBCAAdFiEE\r\n=abcd\r\n-----END PGP SIGNATURE-----\r\n"
    )
    more = '; micalg=pgp-sha512; protocol="application/pgp-signature"'
    return multipart("signed", part, armour, boundary="pgp", more=more)


def signed_with_smime(part: bytes) -> bytes:
    """A part with an S/MIME signature by a throw-away certificate (RFC 8551)."""
    pair = throw_away("ada.example")
    key = serialization.load_pem_private_key(pair.private_key.read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    builder = PKCS7SignatureBuilder().set_data(part).add_signer(certificate, key, hashes.SHA256())  # type: ignore[arg-type]
    signature = builder.sign(serialization.Encoding.DER, [PKCS7Options.DetachedSignature])
    attached = (
        b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(signature).replace(b"\n", b"\r\n")
    )
    more = '; micalg="sha-256"; protocol="application/pkcs7-signature"'
    return multipart("signed", part, attached, boundary="smime", more=more)


FORWARDED = (
    b"Content-Type: message/rfc822\r\n\r\nFrom: eve@other.example\r\nBcc: inner@other.example\r\n"
    b"Subject: inner\r\n" + multipart("mixed", TEXT, boundary="inner")
)

# The header and body of messages, without the fields of the header that say who sends.
CONTENTS: Mapping[str, bytes] = {
    "plain": TEXT,
    "mixed": multipart("mixed", TEXT, PDF, boundary="outer"),
    "related": multipart("related", HTML, PNG, boundary="rel", more='; type="text/html"'),
    "alternative": multipart(
        "alternative", TEXT, multipart("related", HTML, PNG, boundary="in"), boundary="out"
    ),
    "invitation": multipart("alternative", TEXT, CALENDAR, boundary="cal"),
    "smime": signed_with_smime(TEXT),
    "pgp": signed_with_pgp(TEXT + b"trailing blanks   \r\n"),
    "forwarded": multipart("mixed", TEXT, FORWARDED, boundary="fwd"),
    "8-bit": b"Content-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe\r\n",
    "8-bit undeclared": b"Content-Type: text/plain\r\n\r\n\xff\xfe\xfd\r\n",
    "long lines": b"Content-Type: text/html\r\n\r\n<p>" + b"x" * 20_000 + b"</p>\r\n",
    "leading dots": b"Content-Type: text/plain\r\n\r\n.\r\n..\r\n...dots\r\n.end\r\n",
    "no trailing newline": b"Content-Type: text/plain\r\n\r\nthe end",
    "preamble and epilogue": multipart("mixed", TEXT).replace(b"\r\n\r\n", b"\r\n\r\npreamble\r\n", 1)
    + b"\r\nepilogue\r\n\r\n\r\n",
    "no body": b"Content-Type: text/plain\r\n\r\n",
    "nothing but a header": b"X-Only: header\r\n",
    "blank lines": b"Content-Type: text/plain\r\n\r\n\r\n\r\nx\r\n\r\n\r\n",
}


EIGHT_BIT_TEXT = TEXT.replace(b"Hello Ada", "Grüße,  Ada ".encode())

# Messages with octets beyond US-ASCII, and the same in parts that were signed.
EIGHT_BIT: Mapping[str, bytes] = {
    "8-bit": CONTENTS["8-bit"],
    "8-bit undeclared": CONTENTS["8-bit undeclared"],
    "mixed": multipart("mixed", EIGHT_BIT_TEXT, PDF, b"Content-Type: image/x-raw\r\n\r\n\xff\xfe", TEXT),
    "forwarded": multipart(
        "mixed", TEXT, b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n" + EIGHT_BIT_TEXT
    ),
    "beside a signature": multipart("mixed", EIGHT_BIT_TEXT, signed_with_pgp(TEXT)),
}
SIGNED_EIGHT_BIT: Mapping[str, bytes] = {
    "pgp": signed_with_pgp(EIGHT_BIT_TEXT),
    "smime": signed_with_smime(EIGHT_BIT_TEXT),
    "forwarded": multipart(
        "mixed", TEXT, b"Content-Type: message/rfc822\r\n\r\n" + signed_with_pgp(EIGHT_BIT_TEXT)
    ),
}


def message(content: bytes, sender: str, *fields: str, to: str = "ada@receiver.test") -> bytes:
    """A message with this header and body, from a sender, with further fields of its header."""
    head = [f"From: {sender}", f"To: {to}", "Subject: Your order", "MIME-Version: 1.0", *fields]
    return "".join(f"{line}\r\n" for line in head).encode() + content


def body_of(raw: bytes) -> bytes:
    """The octets after the header of a message."""
    return raw.partition(b"\r\n\r\n")[2]
