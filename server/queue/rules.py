"""The place of a recipient in the queue, from its organisation, domain and email: pure functions."""

import zlib
from collections.abc import Callable

# The classes of priority. Stored with each row: never change them.
PRIORITY_URGENT, PRIORITY_TRANSACTIONAL, PRIORITY_BULK = 0, 1, 2
# The site of mail that is never sent out. Stored with each row: never change it.
SIMULATED = "simulator"
# The approximate size of the headers of one attachment, in bytes.
_PART_OVERHEAD = 512


def site_of(domain: str, *, test: bool) -> str:
    """The site that mail to a domain goes to: the simulator for test mail (F-5)."""
    return SIMULATED if test else domain


def chance_of(email_id: str, site: str, attempts: int) -> Callable[[], float]:
    """The chance in [0, 1) by which to spread the next attempt of an email at a site.

    It is the same for all its recipients there, so that they stay one SMTP transaction.
    """
    number = zlib.crc32(f"{email_id} {attempts} {site}".encode())
    return lambda: number / 2**32


def memory_of_attachments(count: int, size: int) -> int:
    """Estimated bytes in memory of attachments: their content and 512 for each."""
    return size + count * _PART_OVERHEAD
