"""BatchJobService: emails that are sent together and counted together (contract rows S-11 to S-13)."""

from collections.abc import Sequence

from zidimail.v1 import batch_job_service_pb2 as pb
from zidimail.v1 import batch_job_service_pb2_grpc

from server.db.database import Database
from server.emails import jobs
from server.emails.batch import Answer, fault_of_strict
from server.emails.faults import BatchJobNotFound
from server.emails.submission import Submission
from server.emails.to_proto import JOB_STATUSES, job_message
from server.faults import Fault, ValidationFailed, Violation
from server.ids import is_id, new_id
from server.wire.caller import OrganisationCaller, current_caller
from server.wire.interceptors import Context
from server.wire.paging import page_fields, page_request


class BatchJobServicer(batch_job_service_pb2_grpc.BatchJobServiceServicer):
    """Batch jobs: accepted whole or not at all."""

    def __init__(self, database: Database, submission: Submission) -> None:
        self._database = database
        self._submission = submission

    async def CreateBatchJob(
        self, request: pb.CreateBatchJobRequest, context: Context
    ) -> pb.CreateBatchJobResponse:
        """Accepts the emails of a new job in one durable step, which also ends the job."""
        batch = await self._submission.read(request, current_caller(), job_id=new_id())
        answer = await self._submission.accept(batch)
        if isinstance(answer, pb.CreateBatchJobResponse):
            return answer
        raise _fault(answer)

    async def GetBatchJob(self, request: pb.GetBatchJobRequest, context: Context) -> pb.GetBatchJobResponse:
        """One batch job."""
        caller = current_caller()
        if not is_id(request.id):
            raise BatchJobNotFound(request.id)
        job = await self._database.read(jobs.get, caller.org_id, request.id, _visible(caller))
        if job is None:
            raise BatchJobNotFound(request.id)
        return pb.GetBatchJobResponse(job=job_message(job))

    async def ListBatchJobs(
        self, request: pb.ListBatchJobsRequest, context: Context
    ) -> pb.ListBatchJobsResponse:
        """A page of batch jobs, newest first."""
        asked = page_request(request)
        caller = current_caller()
        if any(status not in JOB_STATUSES for status in request.status):
            raise ValidationFailed([Violation("status", "holds something that is no status of a batch job")])
        criteria = _visible(caller, [JOB_STATUSES[status] for status in request.status])
        page = await self._database.read(jobs.page, caller.org_id, criteria, asked)
        return pb.ListBatchJobsResponse(data=map(job_message, page.rows), **page_fields(page, asked))


def _fault(answer: Answer | Fault) -> Fault:
    """The fault of a job that was refused: that of its emails, if it is not the job's own."""
    if isinstance(answer, Fault):
        return answer
    assert isinstance(answer, Sequence)
    fault = fault_of_strict(answer)
    assert fault is not None
    return fault


def _visible(caller: OrganisationCaller, statuses: Sequence[str] = ()) -> jobs.Filter:
    """The jobs that a caller may see."""
    return jobs.Filter(statuses, caller.reach)
