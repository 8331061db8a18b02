"""The hash of a request, by which a repeated call is recognised (contract row F-1)."""

import hashlib
from typing import TypeAlias, get_args

from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_service_pb2 as pb

from server.wire.contents import files_of, with_files

Hashed: TypeAlias = (
    pb.SendEmailRequest | pb.SendRawEmailRequest | pb.BatchSendEmailsRequest | job_pb.CreateBatchJobRequest
)

_FILES = {type_: files_of(type_.DESCRIPTOR) for type_ in get_args(Hashed)}


def request_hash(request: Hashed) -> bytes:
    """SHA-256 of a request without its idempotency key: equal for requests with the same payload."""
    # Taken out and put back: a copy of a large request would cost its size again.
    key = request.idempotency_key
    request.ClearField("idempotency_key")
    digest = hashlib.sha256()
    for piece in with_files(_FILES[type(request)], request.SerializeToString(deterministic=True)):
        digest.update(piece)
    request.idempotency_key = key
    return digest.digest()
