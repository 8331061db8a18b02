"""The number of the access option collides with no other option at import."""

import hashlib

from google.protobuf.descriptor import FieldDescriptor
from zidimail.v1 import access_pb2

ACCESS: FieldDescriptor = access_pb2.DESCRIPTOR.extensions_by_name["access"]
# The largest number of a field (29 bits), those that the compiler keeps for itself, and those that are
# registered (1000 to 49999) or left to each company (50000 to 99999).
MAX_FIELD = 2**29 - 1
KEPT = range(19_000, 20_000)
SHARED = range(1_000, 100_000)


def test_the_number_is_made_from_the_name_as_its_comment_says() -> None:
    digest = hashlib.sha256(ACCESS.full_name.encode()).digest()
    assert ACCESS.full_name == "zidimail.v1.access"
    assert ACCESS.number == int.from_bytes(digest[:4], "big") >> 3


def test_the_number_is_one_that_nobody_else_is_given() -> None:
    assert 0 < ACCESS.number <= MAX_FIELD
    assert ACCESS.number not in KEPT
    assert ACCESS.number not in SHARED
