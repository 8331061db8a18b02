"""Certificates as PayPal has them: an authority, what it signs for PayPal's names, and forgeries."""

import datetime
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER = "messageverificationcerts.paypal.com"
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Signer:
    """A key that signs events, and the PEM file of its certificate with the one above it."""

    key: rsa.RSAPrivateKey
    file: bytes


class Authority:
    """A certificate authority, made for these tests."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of tests")])
        now = datetime.datetime.now(datetime.UTC)
        self.certificate = (
            _builder(self._name, self._name, self._key.public_key(), now - 9 * DAY, now + 400 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = self.certificate.public_bytes(Encoding.PEM)

    def signer(self, name: str = SIGNER, *, begins: int = -2, ends: int = 300) -> Signer:
        """A signer with a certificate for a name; it is valid from and to days from now."""
        key = rsa.generate_private_key(65537, 2048)
        return Signer(
            key, self._issued(name, key.public_key(), begins, ends).public_bytes(Encoding.PEM) + self.pem
        )

    def server_context(self) -> ssl.SSLContext:
        """TLS for a server on `localhost` and 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = self._issued("localhost", key.public_key(), -2, 300)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(private + certificate.public_bytes(Encoding.PEM))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def _issued(
        self, name: str, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, begins: int, ends: int
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if name == "localhost":
            names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            _builder(subject, self._name, key, now + begins * DAY, now + ends * DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@cache
def authority() -> Authority:
    """The authority that the programs of this process's tests trust."""
    return Authority()


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder that is gone with this process."""
    return tempfile.TemporaryDirectory(prefix="zidimail-paypal-")


@cache
def trusted_file() -> str:
    """A PEM file with that authority, for `SSL_CERT_FILE`."""
    file = Path(_folder().name) / "authority.pem"
    file.write_bytes(authority().pem)
    return str(file)


@cache
def strangers_file() -> str:
    """A PEM file with an authority that has certified nobody, for `SSL_CERT_FILE`."""
    file = Path(_folder().name) / "stranger.pem"
    file.write_bytes(Authority().pem)
    return str(file)


def self_signed() -> Signer:
    """The signer that a forger makes: the right name, and no authority above it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SIGNER)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        _builder(name, name, key.public_key(), now - DAY, now + 300 * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SIGNER)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Signer(key, certificate.public_bytes(Encoding.PEM))


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    begins: datetime.datetime,
    ends: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
