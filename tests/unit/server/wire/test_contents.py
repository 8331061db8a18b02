"""The files of a large request stay in the bytes that arrived, and mean the same (C-41)."""

import hashlib

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_pb2
from zidimail.v1 import email_service_pb2 as pb

from server.emails.request_hash import request_hash
from server.emails.sizes import is_large
from server.faults import ValidationFailed
from server.wire.contents import (
    LARGE_REQUEST,
    SMALL_FILE,
    content_of,
    files_of,
    release_files,
    take_files_out,
    with_files,
)

FILES = st.sampled_from([0, 1, SMALL_FILE, SMALL_FILE + 1, 3 * SMALL_FILE]).flatmap(
    lambda size: st.sampled_from([b"a", b"\0", b"\xff\x0a"]).map(lambda octets: octets * size)
)
EMAILS = st.builds(
    lambda files, text: pb.SendEmailRequest(
        to=["a@b.example"],
        text=text,
        attachments=[pb.NewAttachment(filename="f", content=file, content_type="a/b") for file in files],
        tags=[email_pb2.Tag(name="n", value="v")],
    ),
    st.lists(FILES, max_size=4),
    st.text(),
)


@given(st.lists(EMAILS, max_size=3))
def test_files_are_found_and_the_message_is_whole_again(emails: list[pb.SendEmailRequest]) -> None:
    job = job_pb.CreateBatchJobRequest(emails=emails)
    body = job.SerializeToString(deterministic=True)
    files = files_of(job.DESCRIPTOR)
    read = job_pb.CreateBatchJobRequest.FromString(take_files_out(files, body))
    for given_email, email in zip(emails, read.emails, strict=True):
        for given_file, file in zip(given_email.attachments, email.attachments, strict=True):
            assert bytes(content_of(file.content)) == given_file.content
            assert len(file.content) <= SMALL_FILE
    assert b"".join(with_files(files, read.SerializeToString(deterministic=True))) == body


def test_a_large_file_is_not_copied_into_the_message() -> None:
    content = b"x" * (1 << 20)
    request = pb.SendRawEmailRequest(content=content, recipients=["a@b.example"])
    read = pb.SendRawEmailRequest.FromString(
        take_files_out(files_of(request.DESCRIPTOR), request.SerializeToString())
    )
    assert read.ByteSize() < 100
    assert isinstance(content_of(read.content), memoryview)
    release_files()
    assert content_of(read.content) == read.content


def test_handle_of_another_call_is_no_file() -> None:
    request = pb.SendRawEmailRequest(content=b"x" * LARGE_REQUEST)
    files = files_of(request.DESCRIPTOR)
    handle = pb.SendRawEmailRequest.FromString(take_files_out(files, request.SerializeToString())).content
    again = pb.SendRawEmailRequest(content=handle)
    assert pb.SendRawEmailRequest.FromString(take_files_out(files, again.SerializeToString())) == again
    assert content_of(handle) == handle


def test_hash_of_a_request_is_that_of_the_whole() -> None:
    """A key that was used before the files were taken out is recognised after it."""
    request = pb.SendEmailRequest(to=["a@b.example"])
    request.attachments.add(filename="a", content=b"x" * (1 << 20))
    whole = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    request.idempotency_key = "k"
    read = pb.SendEmailRequest.FromString(
        take_files_out(files_of(request.DESCRIPTOR), request.SerializeToString())
    )
    assert is_large(read)
    assert request_hash(read) == whole
    assert read.idempotency_key == "k"


@pytest.mark.parametrize("cut", [1, 10, 1 << 10])
def test_message_that_is_cut_off_stays_wrong(cut: int) -> None:
    request = pb.BatchSendEmailsRequest(emails=[pb.SendEmailRequest(to=["a@b.example"])])
    request.emails[0].attachments.add(filename="a", content=b"x" * (1 << 13))
    body = request.SerializeToString()[:-cut]
    with pytest.raises((DecodeError, ValidationFailed)):
        pb.BatchSendEmailsRequest.FromString(take_files_out(files_of(request.DESCRIPTOR), body))
