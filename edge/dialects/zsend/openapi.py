"""The parts of `/api/v1/zsend/openapi.json` that the dialect says itself."""

from __future__ import annotations

from edge.dialects.openapi import Description
from edge.dialects.zsend import routes
from edge.dialects.zsend.errors import ROWS
from edge.dialects.zsend.shapes import QUERIES
from edge.transcoding.schema import TEXT, TIME, object_of

DESCRIPTION = Description(
    title="ZidiMail, in the words of Zeabur Email",
    key="zs_...",
    error=object_of(
        {
            "error": {**TEXT, "description": "What went wrong, in short."},
            "message": {**TEXT, "description": "The particulars, and what to do."},
            "resetsAt": {**TIME, "description": "When a limit is lifted."},
        },
        optional=("resetsAt",),
    ),
    statuses={row.status for row in ROWS.values()},
    bounds={"offset": {"minimum": 0}, **{name: {"minimum": 1} for name in QUERIES.counts}},
    operations={
        routes.SCHEDULE: "ScheduleEmail",
        routes.LIST_SCHEDULED: "ListScheduledEmails",
        routes.GET_SCHEDULED: "GetScheduledEmail",
        routes.CANCEL: "CancelScheduledEmail",
    },
    ids={
        routes.CREATE_JOB: "/job_id",
        routes.LIST_JOBS: "/batch_jobs/0/job_id",
        routes.LIST_SCHEDULED: "/scheduled_emails/0/id",
    },
)
