"""Files that are kept apart from their message are in it when it is sent (C-1)."""

from hypothesis import given
from hypothesis import strategies as st
from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_service_pb2 as pb

from edge.files_apart import keep_apart, release_files, serialised

FILE = st.lists(st.binary(max_size=300), max_size=3)


@given(st.lists(st.lists(FILE, max_size=3), max_size=3), st.integers(0, 2**40))
def test_message_is_sent_with_its_files(emails: list[list[list[bytes]]], seconds: int) -> None:
    files: dict[bytes, list[bytes]] = {}
    apart, whole = job_pb.CreateBatchJobRequest(), job_pb.CreateBatchJobRequest()
    for pieces in emails:
        for message in (apart, whole):
            message.emails.add(to=["a@b.example"], text="t").scheduled_at.seconds = seconds
        for file in pieces:
            handle = b"handle-%d" % len(files)
            files[handle] = file
            apart.emails[-1].attachments.add(filename="f", content=handle, content_id="c")
            whole.emails[-1].attachments.add(filename="f", content=b"".join(file), content_id="c")
    keep_apart(files)
    assert job_pb.CreateBatchJobRequest.FromString(serialised(apart)) == whole
    release_files()
    assert serialised(apart) == apart.SerializeToString()


def test_bytes_that_are_no_handle_stay() -> None:
    request = pb.SendRawEmailRequest(content=b"handle-2", recipients=["handle-1"])
    keep_apart({b"handle-1": [b"x"]})
    assert pb.SendRawEmailRequest.FromString(serialised(request)) == request
