"""The size of a workbook when it is unpacked, found before its reader unpacks it (contract row Z-51)."""

import io
import struct
import zipfile
import zlib

from server.contacts.csv_table import NotATable

# Bytes of all that a workbook holds when it is unpacked.
MAX_UNPACKED = 128 << 20
# Sheets with many equal cells are 20 times as large when they are unpacked, bombs up to a thousand times.
MAX_RATIO = 40
# Bytes to which the ratio does not apply.
ALWAYS_ALLOWED = 16 << 20
_DAMAGED = "is no Excel workbook that can be read"
_TOO_LARGE = (
    f"cannot be read: it has more than {MAX_UNPACKED >> 20} MiB when it is unpacked, or more than "
    f"{MAX_RATIO} times its size. Save it as CSV, or import it in parts"
)
# A local header up to its texts, and where the lengths of those are (APPNOTE 4.3.7).
_HEADER_BYTES, _LENGTHS_AT = 30, 26


def check_unpacked(content: bytes) -> None:
    """Raises `NotATable` for a ZIP archive that is damaged or too large when it is unpacked.

    The sizes that the archive declares are looked at first; then each entry is unpacked to that size, as an
    archive may declare less than it holds.
    """
    allowed = min(MAX_UNPACKED, max(ALWAYS_ALLOWED, MAX_RATIO * len(content)))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise NotATable(_DAMAGED) from error
    if sum(entry.file_size for entry in entries) > allowed:
        raise NotATable(_TOO_LARGE)
    for entry in entries:
        _check_entry(content, entry)


def _check_entry(content: bytes, entry: zipfile.ZipInfo) -> None:
    """Raises `NotATable` if an entry holds more than it declares."""
    if entry.compress_type == zipfile.ZIP_STORED:
        return
    lengths = content[entry.header_offset + _LENGTHS_AT : entry.header_offset + _HEADER_BYTES]
    if entry.compress_type != zipfile.ZIP_DEFLATED or len(lengths) < _HEADER_BYTES - _LENGTHS_AT:
        raise NotATable(_DAMAGED)
    begin = entry.header_offset + _HEADER_BYTES + sum(struct.unpack("<HH", lengths))
    packed = content[begin : begin + entry.compress_size]
    try:
        unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.file_size + 1)
    except zlib.error as error:
        raise NotATable(_DAMAGED) from error
    if len(unpacked) > entry.file_size:
        raise NotATable(_TOO_LARGE)
