// Sends one mail and follows it to its delivery, with nothing but the .proto files.
//
// node send.js SERVER API_KEY FROM INCLUDE_DIR...
// Prints one JSON object: {id, status, events: [...]}.
"use strict";

const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [server, apiKey, from, ...includeDirs] = process.argv.slice(2);
const DEADLINE_MS = 20_000;

const definition = loader.loadSync(
  ["zidimail/v1/email_service.proto", "zidimail/v1/event_service.proto"],
  { keepCase: true, enums: String, defaults: true, oneofs: true, includeDirs },
);
const { EmailService, EventService } = grpc.loadPackageDefinition(definition).zidimail.v1;
const credentials = grpc.credentials.createInsecure();
const emails = new EmailService(server, credentials);
const events = new EventService(server, credentials);
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${apiKey}`);
const options = { deadline: Date.now() + DEADLINE_MS };

const call = (client, method, request) =>
  new Promise((resolve, reject) =>
    client[method](request, metadata, options, (error, answer) => (error ? reject(error) : resolve(answer))),
  );

// Resolves when the email was delivered: read from the stream of the log, not by asking again and again.
const delivery = (watch, id) =>
  new Promise((resolve, reject) => {
    watch.on("data", ({ event }) => {
      if (event.email_id === id && event.type === "EVENT_TYPE_EMAIL_DELIVERED") {
        watch.cancel();
        resolve();
      }
    });
    watch.on("error", (error) => error.code !== grpc.status.CANCELLED && reject(error));
  });

async function main() {
  const email = { from, to: ["you@clients.example.org"], subject: "By Node", text: "x", headers: { "X-Own": "1" } };
  const { id } = await call(emails, "SendEmail", email);
  // From the beginning of the log, so that a fast delivery is not missed.
  await delivery(events.WatchEvents({ from_beginning: true }, metadata, options), id);
  const answer = await call(emails, "GetEmail", { id });
  const refusal = await call(emails, "SendEmail", { ...email, to: [] }).then(
    () => "OK",
    (error) => grpc.status[error.code],
  );
  console.log(
    JSON.stringify({
      id,
      status: answer.email.status,
      headers: answer.email.headers,
      events: answer.email.events.map((event) => event.type),
      refusal,
    }),
  );
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
