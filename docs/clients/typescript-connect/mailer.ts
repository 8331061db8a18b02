// Sends mail by ZidiMail's gRPC API, decodes refusals, pages, and follows the log of events.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, type ErrorInfo, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { Health, HealthCheckResponse_ServingStatus } from "./gen/health/v1/health_pb.js";
import {
  BatchMode,
  BatchSendEmailsRequestSchema,
  EmailService,
  type SendEmailRequest,
  SendEmailRequestSchema,
} from "./gen/zidimail/v1/email_service_pb.js";
import { type Event, EventType } from "./gen/zidimail/v1/event_pb.js";
import { EventService } from "./gen/zidimail/v1/event_service_pb.js";

const { ZIDIMAIL_TARGET = "localhost:50051", ZIDIMAIL_API_KEY = "", ZIDIMAIL_FROM = "", ZIDIMAIL_CA } = process.env;

const DEADLINE_MS = 30_000;

/** Sends the API key with each call. */
function authorize(key: string): Interceptor {
  return (next) => (request) => {
    request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
}

function connect(key: string) {
  return createGrpcTransport({
    baseUrl: `${ZIDIMAIL_CA ? "https" : "http"}://${ZIDIMAIL_TARGET}`,
    nodeOptions: ZIDIMAIL_CA ? { ca: readFileSync(ZIDIMAIL_CA) } : {},
    interceptors: [authorize(key)],
    // Without a deadline a call can wait for ever.
    defaultTimeoutMs: DEADLINE_MS,
  });
}

const transport = connect(ZIDIMAIL_API_KEY);
const emails = createClient(EmailService, transport);
const events = createClient(EventService, transport);
const health = createClient(Health, transport);

/** By what a program decides when a call fails. The message is for people. */
interface Refusal {
  code: string;
  info: ErrorInfo | undefined;
  fields: string[];
}

/** The refusal of a call that has to fail. */
async function refusal(answer: Promise<unknown>): Promise<Refusal> {
  const error = await answer.then(
    () => Promise.reject(new Error("The call was not refused.")),
    (reason) => ConnectError.from(reason),
  );
  return {
    // Connect's InvalidArgument is the INVALID_ARGUMENT of gRPC.
    code: Code[error.code].replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase(),
    info: error.findDetails(ErrorInfoSchema)[0],
    fields: error
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations.map(({ field }) => field)),
  };
}

function email(to: string): SendEmailRequest {
  return create(SendEmailRequestSchema, {
    from: ZIDIMAIL_FROM,
    to: [to],
    subject: "Your order",
    text: "Your order is on its way.",
  });
}

/** The cursor behind the newest event. */
async function endOfLog(): Promise<string> {
  let page = await events.listEvents({});
  while (page.hasMore) {
    page = await events.listEvents({ after: page.nextCursor });
  }
  return page.nextCursor;
}

/**
 * The first `count` events of an email behind a cursor. A broken stream goes on behind its last event, so that
 * none is missed.
 */
async function watch(after: string, emailId: string, count: number, withinMs = DEADLINE_MS): Promise<Event[]> {
  const deadline = Date.now() + withinMs;
  const seen: Event[] = [];
  for (;;) {
    // Only this signal cancels the call. One that a loop merely breaks off goes on until its deadline.
    const leave = new AbortController();
    const options = { signal: leave.signal, timeoutMs: Math.max(deadline - Date.now(), 1) };
    try {
      for await (const { event } of events.watchEvents({ after }, options)) {
        after = event!.cursor;
        if (event!.emailId === emailId && seen.push(event!) === count) {
          leave.abort();
        }
      }
    } catch (error) {
      if (!leave.signal.aborted && ConnectError.from(error).code !== Code.Unavailable) {
        throw error;
      }
    }
    if (leave.signal.aborted) {
      return seen.slice(0, count);
    }
    await pause(1000);
  }
}

const before = await endOfLog();

// The key belongs to the order, and makes a repeated send safe: a retry gets the first answer.
const order = email("delivered@simulator.test");
order.idempotencyKey = `order-${randomUUID()}`;
const sent = await emails.sendEmail(order);
console.log("send", sent.id);
const repeated = await emails.sendEmail(order);
console.log("repeat", repeated.id, repeated.replayed ? "replayed" : "sent again");

const batch = create(BatchSendEmailsRequestSchema, {
  emails: ["delivered+1@simulator.test", "not an address", "delivered+2@simulator.test"].map(email),
  mode: BatchMode.PERMISSIVE,
});
const { results } = await emails.batchSendEmails(batch);
// The outcome `error` is a google.rpc.Status, with details as above.
console.log("batch-permissive", results.map(({ outcome }) => outcome.case).join());
batch.mode = BatchMode.STRICT;
let refused = await refusal(emails.batchSendEmails(batch));
console.log("batch-strict", refused.code, refused.info?.reason, refused.info?.metadata.index);

const { email: read } = await emails.getEmail({ id: sent.id });
console.log("get", read?.id, read?.subject);

let after: string | undefined;
let count = 0;
for (let pages = 0; pages < 3 && after !== ""; pages += 1) {
  const page = await emails.listEmails({ limit: 2, after });
  count += page.data.length;
  after = page.nextCursor;
}
console.log("pages", count);

refused = await refusal(emails.sendEmail({ ...email("delivered@simulator.test"), from: "" }));
console.log("invalid", refused.code, refused.info?.reason, refused.fields[0]);

refused = await refusal(createClient(EmailService, connect("zm_live_unknown")).sendEmail(order));
console.log("unauthenticated", refused.code, refused.info?.reason);

const seen = await watch(before, sent.id, 2);
console.log("watch", EventType[seen[0].type], seen.length);
const [resumed] = await watch(seen[0].cursor, sent.id, 1);
if (resumed.id !== seen[1].id) {
  throw new Error("The resumed stream did not go on where the first one was left.");
}
console.log("resume", resumed.id);

refused = await refusal(watch(before, "no email", 1, 100));
console.log("deadline", refused.code);

refused = await refusal(events.listEvents({ after: "nonsense" }));
console.log("bad-cursor", refused.code, refused.fields[0]);

const { status } = await health.check({ service: "zidimail.v1.EmailService" });
console.log("health", HealthCheckResponse_ServingStatus[status]);
