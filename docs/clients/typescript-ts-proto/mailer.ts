// Sends mail by ZidiMail's gRPC API, decodes refusals, pages, and follows the log of events.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type CallOptions, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo } from "./gen/google/rpc/error_details.js";
import { Status } from "./gen/google/rpc/status.js";
import { HealthCheckResponse_ServingStatus, HealthClient } from "./gen/health/v1/health.js";
import {
  BatchMode,
  BatchSendEmailsRequest,
  EmailServiceClient,
  GetEmailRequest,
  ListEmailsRequest,
  SendEmailRequest,
} from "./gen/zidimail/v1/email_service.js";
import { type Event, EventType } from "./gen/zidimail/v1/event.js";
import { EventServiceClient, ListEventsRequest, WatchEventsRequest } from "./gen/zidimail/v1/event_service.js";

const { ZIDIMAIL_TARGET = "localhost:50051", ZIDIMAIL_API_KEY = "", ZIDIMAIL_FROM = "", ZIDIMAIL_CA } = process.env;

// All clients of one target and the same credentials share a connection.
const channel = ZIDIMAIL_CA ? credentials.createSsl(readFileSync(ZIDIMAIL_CA)) : credentials.createInsecure();
const emails = new EmailServiceClient(ZIDIMAIL_TARGET, channel);
const events = new EventServiceClient(ZIDIMAIL_TARGET, channel);
const health = new HealthClient(ZIDIMAIL_TARGET, channel);

const DEADLINE_MS = 30_000;

function authorization(key: string): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${key}`);
  return metadata;
}

const authorized = authorization(ZIDIMAIL_API_KEY);

type Method<Request, Answer> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  done: (error: ServiceError | null, answer: Answer) => void,
) => unknown;

/**
 * The method as a function that returns a promise, rejected with a ServiceError. Each call has a deadline: without
 * one it can wait for ever.
 */
function unary<Request, Answer>(method: Method<Request, Answer>) {
  return (request: Request, metadata = authorized): Promise<Answer> =>
    new Promise((resolve, reject) =>
      method(request, metadata, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
        error ? reject(error) : resolve(answer),
      ),
    );
}

const sendEmail = unary(emails.sendEmail.bind(emails));
const batchSendEmails = unary(emails.batchSendEmails.bind(emails));
const getEmail = unary(emails.getEmail.bind(emails));
const listEmails = unary(emails.listEmails.bind(emails));
const listEvents = unary(events.listEvents.bind(events));
const checkHealth = unary(health.check.bind(health));

/** By what a program decides when a call fails. The message is for people. */
interface Refusal {
  code: string;
  info: ErrorInfo;
  fields: string[];
}

/** The refusal of a call that has to fail. */
async function refusal(answer: Promise<unknown>): Promise<Refusal> {
  const error = await answer.then(
    () => Promise.reject(new Error("The call was not refused.")),
    (error: ServiceError) => error,
  );
  const refused: Refusal = { code: status[error.code], info: ErrorInfo.create(), fields: [] };
  for (const encoded of error.metadata.get("grpc-status-details-bin")) {
    for (const { typeUrl, value } of Status.decode(encoded as Buffer).details) {
      if (typeUrl.endsWith("/google.rpc.ErrorInfo")) {
        refused.info = ErrorInfo.decode(value);
      } else if (typeUrl.endsWith("/google.rpc.BadRequest")) {
        refused.fields = BadRequest.decode(value).fieldViolations.map((violation) => violation.field);
      }
    }
  }
  return refused;
}

function email(to: string): SendEmailRequest {
  return SendEmailRequest.create({
    from: ZIDIMAIL_FROM,
    to: [to],
    subject: "Your order",
    text: "Your order is on its way.",
  });
}

/** The cursor behind the newest event. */
async function endOfLog(): Promise<string> {
  let page = await listEvents(ListEventsRequest.create());
  while (page.hasMore) {
    page = await listEvents(ListEventsRequest.create({ after: page.nextCursor }));
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
    const stream = events.watchEvents(WatchEventsRequest.create({ after }), authorized, { deadline });
    try {
      for await (const { event } of stream) {
        after = event.cursor;
        if (event.emailId === emailId && seen.push(event) === count) {
          return seen;
        }
      }
    } catch (error) {
      if ((error as ServiceError).code !== status.UNAVAILABLE) {
        throw error;
      }
    } finally {
      stream.cancel();
    }
    await pause(1000);
  }
}

const before = await endOfLog();

// The key belongs to the order, and makes a repeated send safe: a retry gets the first answer.
const order = email("delivered@simulator.test");
order.idempotencyKey = `order-${randomUUID()}`;
const sent = await sendEmail(order);
console.log("send", sent.id);
const repeated = await sendEmail(order);
console.log("repeat", repeated.id, repeated.replayed ? "replayed" : "sent again");

const batch = BatchSendEmailsRequest.create({
  emails: ["delivered+1@simulator.test", "not an address", "delivered+2@simulator.test"].map(email),
  mode: BatchMode.BATCH_MODE_PERMISSIVE,
});
const { results } = await batchSendEmails(batch);
// `error` is a google.rpc.Status, with details as above.
console.log("batch-permissive", results.map(({ error }) => (error ? "error" : "sent")).join());
batch.mode = BatchMode.BATCH_MODE_STRICT;
let refused = await refusal(batchSendEmails(batch));
console.log("batch-strict", refused.code, refused.info.reason, refused.info.metadata.index);

const { email: read } = await getEmail(GetEmailRequest.create({ id: sent.id }));
console.log("get", read?.id, read?.subject);

let after: string | undefined;
let count = 0;
for (let pages = 0; pages < 3 && after !== ""; pages += 1) {
  const page = await listEmails(ListEmailsRequest.create({ limit: 2, after }));
  count += page.data.length;
  after = page.nextCursor;
}
console.log("pages", count);

refused = await refusal(sendEmail({ ...email("delivered@simulator.test"), from: "" }));
console.log("invalid", refused.code, refused.info.reason, refused.fields[0]);

refused = await refusal(sendEmail(order, authorization("zm_live_unknown")));
console.log("unauthenticated", refused.code, refused.info.reason);

const seen = await watch(before, sent.id, 2);
console.log("watch", EventType[seen[0].type], seen.length);
const [resumed] = await watch(seen[0].cursor, sent.id, 1);
if (resumed.id !== seen[1].id) {
  throw new Error("The resumed stream did not go on where the first one was left.");
}
console.log("resume", resumed.id);

refused = await refusal(watch(before, "no email", 1, 100));
console.log("deadline", refused.code);

refused = await refusal(listEvents(ListEventsRequest.create({ after: "nonsense" })));
console.log("bad-cursor", refused.code, refused.fields[0]);

const check = await checkHealth({ service: "zidimail.v1.EmailService" });
console.log("health", HealthCheckResponse_ServingStatus[check.status]);

for (const client of [emails, events, health]) {
  client.close();
}
