"""The routes of `/api/v1/zsend` (S-3 to S-15)."""

from __future__ import annotations

from zidimail.v1 import batch_job_service_pb2, email_service_pb2

from edge.transcoding.routes import Route
from edge.transcoding.template import parse

PREFIX = "/api/v1/zsend"

_METHODS = {
    **email_service_pb2.DESCRIPTOR.services_by_name["EmailService"].methods_by_name,
    **batch_job_service_pb2.DESCRIPTOR.services_by_name["BatchJobService"].methods_by_name,
}


def _route(verb: str, path: str, method: str, body: str = "", response_body: str = "") -> Route:
    whole = PREFIX + path
    return Route(verb, whole, parse(whole), _METHODS[method], body, response_body)


SEND = _route("POST", "/emails", "SendEmail", "*")
SCHEDULE = _route("POST", "/emails/schedule", "SendEmail", "*")
LIST_SCHEDULED = _route("GET", "/emails/scheduled", "ListEmails")
GET_SCHEDULED = _route("GET", "/emails/scheduled/{id}", "GetEmail")
CANCEL = _route("DELETE", "/emails/scheduled/{id}", "CancelEmail")
CREATE_JOB = _route("POST", "/emails/batch", "CreateBatchJob", "*")
LIST_JOBS = _route("GET", "/emails/batch", "ListBatchJobs")
GET_JOB = _route("GET", "/emails/batch/{id}", "GetBatchJob", response_body="job")
LIST = _route("GET", "/emails", "ListEmails")
GET = _route("GET", "/emails/{id}", "GetEmail")

ROUTES = (
    *(SEND, SCHEDULE, LIST_SCHEDULED, GET_SCHEDULED, CANCEL),
    *(CREATE_JOB, LIST_JOBS, GET_JOB, LIST, GET),
)
