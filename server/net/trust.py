"""The certificate authorities that this machine trusts, for certificates beside those of connections."""

import ssl
import warnings
from pathlib import Path

from cryptography import x509

_BEGIN = b"-----BEGIN CERTIFICATE-----"


def trusted_roots() -> tuple[x509.Certificate, ...]:
    """The certificates of OpenSSL's file and folder, which `SSL_CERT_FILE` and `SSL_CERT_DIR` replace.

    Those that cannot be read are left out. For the start of a process: it changes how warnings are handled.
    """
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        # The other names in the folder are those of the same certificates.
        files += sorted(path for path in Path(paths.capath).iterdir() if path.suffix in (".pem", ".crt"))
    found: dict[bytes, x509.Certificate] = {}
    with warnings.catch_warnings():
        # Old authorities have serial numbers that are not allowed any more.
        warnings.simplefilter("ignore")
        for file in files:
            found.update((certificate.signature, certificate) for certificate in _certificates(file))
    return tuple(found.values())


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        content = file.read_bytes()
    except OSError:
        return []
    certificates = []
    for part in content.split(_BEGIN)[1:]:
        try:
            certificates.append(x509.load_pem_x509_certificate(_BEGIN + part))
        except ValueError:
            continue
    return certificates
