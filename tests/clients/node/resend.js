// Runs one story of calls with Resend's SDK against an installation: `node resend.js STORY`.
//
// Reads RESEND_BASE_URL (as the SDK does), RESEND_API_KEY, SESSION, DOMAIN_ID and FROM from the environment.
// Prints the names of the methods that were called, as JSON. `node resend.js methods` prints those that there are.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const http = require("node:http");
const { once } = require("node:events");
const { Resend } = require("resend");
const svix = require("svix");
const standardwebhooks = require("standardwebhooks");

const { RESEND_API_KEY, SESSION, DOMAIN_ID, FROM } = process.env;
const DEADLINE_MS = 20_000;
const PAUSE_MS = 20;
const PDF = Buffer.from([0x25, 0x50, 0x44, 0x46, 0x00, 0xff]);
const RECORD = ["record", "name", "type", "ttl", "status", "value"];

// What the SDK's types promise of each answer; of lists, what they promise of each entry.
const FIELDS = {
  "emails.send": ["id"],
  "emails.get": ["object", "id", "from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "created_at", "last_event", "scheduled_at"],
  "emails.list": ["id", "from", "to", "cc", "bcc", "reply_to", "subject", "created_at", "last_event", "scheduled_at"],
  "emails.update": ["object", "id"],
  "emails.cancel": ["object", "id"],
  "batch.send": ["id"],
  "domains.create": ["id", "name", "status", "region", "created_at", "records"],
  "domains.get": ["object", "id", "name", "status", "region", "created_at", "records"],
  "domains.list": ["id", "name", "status", "region", "created_at"],
  "domains.update": ["object", "id"],
  "domains.verify": ["object", "id"],
  "domains.remove": ["object", "id", "deleted"],
  "apiKeys.create": ["id", "token"],
  "apiKeys.list": ["id", "name", "created_at", "last_used_at"],
  "apiKeys.update": ["object", "id"],
  "apiKeys.remove": [],
  "webhooks.create": ["object", "id", "signing_secret"],
  "webhooks.get": ["object", "id", "created_at", "status", "endpoint", "events"],
  "webhooks.list": ["id", "created_at", "status", "endpoint", "events"],
  "webhooks.update": ["object", "id"],
  "webhooks.remove": ["object", "id", "deleted"],
  "webhooks.rotateSigningSecret": ["object", "id", "signing_secret"],
  "webhooks.events.list": ["id", "type", "created_at", "status"],
  "webhooks.events.get": ["object", "id", "type", "created_at", "status", "next_attempt_at", "payload"],
  "webhooks.events.replay": ["object", "id"],
  "webhooks.events.attempts.list": ["id", "http_status_code", "response", "sent_at"],
  "suppressions.add": ["object", "id"],
  "suppressions.get": ["object", "id", "email", "origin", "source_id", "created_at"],
  "suppressions.list": ["id", "email", "origin", "source_id", "created_at"],
  "suppressions.remove": ["object", "id", "deleted"],
  "suppressions.batch.add": ["object", "id"],
  "suppressions.batch.remove": ["object", "id", "deleted"],
  "usage.get": ["object", "emails"],
  "contacts.create": ["object", "id"],
  "contacts.get": ["object", "id", "email", "created_at", "first_name", "last_name", "unsubscribed"],
  "contacts.list": ["id", "email", "created_at", "first_name", "last_name", "unsubscribed"],
  "contacts.update": ["object", "id"],
  "contacts.remove": ["object", "contact", "deleted"],
  "contacts.segments.add": ["id"],
  "contacts.segments.list": ["id", "name", "created_at"],
  "contacts.segments.remove": ["id", "deleted"],
  "segments.create": ["object", "id", "name"],
  "segments.get": ["object", "id", "name", "created_at"],
  "segments.list": ["id", "name", "created_at"],
  "segments.update": ["object", "id"],
  "segments.remove": ["object", "id", "deleted"],
};

const called = new Set();

// A credential's calls: `call("emails.send", ...)` gives the data, `refusal("emails.send", ...)` the error.
function credential(key) {
  const resend = new Resend(key);
  const perform = (name, parameters) => {
    const path = name.split(".");
    const method = path.pop();
    const resource = path.reduce((at, part) => at[part], resend);
    called.add(name);
    return resource[method](...parameters);
  };
  return {
    resend,
    async call(name, ...parameters) {
      const { data, error } = await perform(name, parameters);
      assert.equal(error, null, `${name}: ${JSON.stringify(error)}`);
      const entries = Array.isArray(data.data) ? data.data : [data];
      for (const entry of entries) {
        const missing = FIELDS[name].filter((field) => !(field in entry));
        assert.deepEqual(missing, [], `${name} lacks ${missing} in ${JSON.stringify(entry)}`);
      }
      if (name.endsWith(".list")) {
        assert.equal(data.object, "list");
        assert.equal(typeof data.has_more, "boolean");
      }
      return data;
    },
    async refusal(name, ...parameters) {
      const { data, error } = await perform(name, parameters);
      assert.equal(data, null, `${name} was not refused`);
      return error;
    },
  };
}

const { resend, call, refusal } = credential(RESEND_API_KEY);
const session = SESSION && credential(SESSION);

async function until(condition, message) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < deadline, message);
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
}

// A host on loopback: it keeps what is posted, and gives a file to who asks.
async function receiver() {
  const calls = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "POST") calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.setHeader("Content-Type", "text/plain").end("The terms.");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { calls, url: `http://127.0.0.1:${server.address().port}` };
}

function verifies({ headers, body }, webhookSecret) {
  const of = (family) => ({
    id: headers[`${family}-id`],
    timestamp: headers[`${family}-timestamp`],
    signature: headers[`${family}-signature`],
  });
  const verifiers = [
    (payload) => resend.webhooks.verify({ payload, headers: of("svix"), webhookSecret }),
    (payload) => new svix.Webhook(webhookSecret).verify(payload, headers),
    (payload) => new standardwebhooks.Webhook(webhookSecret).verify(payload, headers),
  ];
  for (const verify of verifiers) {
    assert.equal(verify(body).type, JSON.parse(body).type);
    assert.throws(() => verify(body.replace("email.", "emaiI.")), /signature/i);
  }
}

const stories = {
  async emails() {
    const host = await receiver();
    const { id } = await call("emails.send", {
      from: FROM,
      to: ["you@clients.example.org", "Grüße <me@clients.example.org>"],
      cc: "copy@clients.example.org",
      bcc: ["hidden@clients.example.org"],
      replyTo: ["answers@mail.example.com", "others@mail.example.com"],
      subject: "By Resend's SDK",
      html: '<p>Hi <img src="cid:logo"></p>',
      text: "Hi",
      headers: { "X-Own": "1" },
      tags: [{ name: "kind", value: "test" }],
      attachments: [
        { filename: "a.pdf", content: PDF.toString("base64"), contentType: "application/pdf" },
        { filename: "b.bin", content: PDF },
        { filename: "logo.png", content: new Uint8Array(PDF), contentType: "image/png", contentId: "logo" },
        { filename: "terms.txt", path: `${host.url}/terms.txt` },
      ],
    });
    const email = await until(async () => {
      const shown = await call("emails.get", id);
      return shown.last_event === "delivered" && shown;
    }, "never delivered");
    assert.deepEqual(email.to, ["you@clients.example.org", "Grüße <me@clients.example.org>"]);
    assert.deepEqual(email.cc, ["copy@clients.example.org"]);
    assert.deepEqual(email.bcc, ["hidden@clients.example.org"]);
    assert.deepEqual(email.reply_to, ["answers@mail.example.com", "others@mail.example.com"]);

    const plain = { from: FROM, to: "you@clients.example.org", replyTo: "answers@mail.example.com", subject: "Later", text: "x" };
    const idempotencyKey = crypto.randomUUID();
    const first = await call("emails.send", plain, { idempotencyKey });
    assert.equal((await call("emails.send", plain, { idempotencyKey })).id, first.id);
    const reused = await refusal("emails.send", { ...plain, subject: "Another" }, { idempotencyKey });
    assert.equal(reused.name, "invalid_idempotent_request");

    const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString();
    const later = await call("emails.send", { ...plain, scheduledAt: inDays(1) });
    const moved = inDays(2);
    await call("emails.update", { id: later.id, scheduledAt: moved });
    assert.equal(Date.parse((await call("emails.get", later.id)).scheduled_at), Date.parse(moved));
    assert.equal((await call("emails.cancel", later.id)).id, later.id);

    const newest = await call("emails.list", { limit: 1 });
    assert.deepEqual(newest.data.map((each) => each.id), [later.id]);
    const older = await call("emails.list", { limit: 1, after: later.id });
    assert.deepEqual(older.data.map((each) => each.id), [first.id]);
    const newer = await call("emails.list", { before: first.id });
    assert.deepEqual(newer.data.map((each) => each.id), [later.id]);
  },

  async batch() {
    const good = { from: FROM, to: ["you@clients.example.org"], subject: "Batch", text: "x" };
    const bad = { ...good, from: "ada@elsewhere.example" };
    const idempotencyKey = crypto.randomUUID();
    const first = await call("batch.send", [good, good], { idempotencyKey });
    const again = await call("batch.send", [good, good], { idempotencyKey });
    assert.equal(new Set(first.data.map((each) => each.id)).size, 2);
    assert.deepEqual(again.data, first.data);
    assert.equal((await refusal("batch.send", [good, bad])).statusCode, 422);
    const some = await call("batch.send", [good, bad], { batchValidation: "permissive" });
    assert.equal(some.data.length, 1);
    assert.deepEqual(some.errors.map((each) => each.index), [1]);
    const file = { filename: "a.txt", content: Buffer.from("a") };
    assert.equal((await refusal("batch.send", [{ ...good, attachments: [file] }])).statusCode, 422);
  },

  async domains() {
    const name = "node.resend.example";
    const { id, records } = await call("domains.create", { name, region: "eu-west-1", openTracking: true });
    assert.ok(["SPF", "DKIM"].every((kind) => records.some((record) => record.record === kind)));
    assert.ok(records.every((record) => RECORD.every((field) => field in record)));
    assert.equal((await call("domains.get", id)).name, name);
    assert.ok((await call("domains.list")).data.some((each) => each.id === id));
    assert.equal((await call("domains.list", { limit: 1 })).data.length, 1);
    await call("domains.update", { id, openTracking: false, clickTracking: true, tls: "enforced" });
    const changed = await call("domains.get", id);
    assert.deepEqual([changed.open_tracking, changed.click_tracking, changed.tls], [false, true, "enforced"]);
    assert.equal((await call("domains.verify", id)).id, id);
    assert.equal((await call("domains.remove", id)).deleted, true);
  },

  async apiKeys() {
    assert.equal((await refusal("apiKeys.create", { name: "by a key" })).statusCode, 401);
    const { id, token } = await session.call("apiKeys.create", {
      name: "by the SDK",
      permission: "sending_access",
      domain_id: DOMAIN_ID,
    });
    assert.equal((await session.call("apiKeys.update", id, { name: "renamed" })).id, id);
    assert.equal((await call("apiKeys.list")).data.find((each) => each.id === id).name, "renamed");
    const sender = credential(token);
    await sender.call("emails.send", { from: FROM, to: "you@clients.example.org", subject: "By its key", text: "x" });
    assert.equal((await sender.call("emails.list")).data.length, 1);
    assert.equal((await sender.refusal("domains.list")).name, "restricted_api_key");
    await session.call("apiKeys.remove", id);
  },

  async webhooks() {
    const { calls, url } = await receiver();
    const events = ["email.sent", "email.delivered"];
    const hook = await call("webhooks.create", { endpoint: `${url}/hook`, events });
    const webhookId = hook.id;
    const sent = await call("emails.send", { from: FROM, to: "you@clients.example.org", subject: "Told", text: "x" });
    await until(() => calls.length === 2, "never called");
    for (const each of calls) {
      verifies(each, hook.signing_secret);
      assert.equal(JSON.parse(each.body).data.email_id, sent.id);
    }
    assert.equal((await call("webhooks.get", webhookId)).endpoint, `${url}/hook`);
    assert.ok((await call("webhooks.list")).data.some((each) => each.id === webhookId));
    const told = await until(async () => {
      const { data } = await call("webhooks.events.list", { webhookId });
      return data.every((each) => each.status === "success") && data;
    }, "the calls were never recorded");
    assert.deepEqual(told.map((each) => each.type).sort(), [...events].sort());
    const one = await call("webhooks.events.list", { webhookId, limit: 1 });
    assert.deepEqual(one.data.map((each) => each.id), [told[0].id]);
    const eventId = told[0].id;
    const event = await call("webhooks.events.get", { webhookId, eventId });
    assert.equal(event.payload.data.email_id, sent.id);
    const { data: attempts } = await call("webhooks.events.attempts.list", { webhookId, eventId });
    assert.deepEqual(attempts.map((each) => [each.http_status_code, each.response]), [[200, "The terms."]]);

    const rotated = await call("webhooks.rotateSigningSecret", webhookId);
    await call("webhooks.events.replay", { webhookId, eventId });
    await until(() => calls.length === 3, "never replayed");
    for (const secret of [rotated.signing_secret, hook.signing_secret]) verifies(calls[2], secret);

    await call("webhooks.update", webhookId, { events: ["email.bounced"], status: "disabled" });
    const changed = await call("webhooks.get", webhookId);
    assert.deepEqual([changed.status, changed.events], ["disabled", ["email.bounced"]]);
    assert.equal((await call("webhooks.remove", webhookId)).deleted, true);
    called.add("webhooks.verify");
  },

  async suppressions() {
    const [email, ...emails] = ["gone", "a", "b"].map((name) => `${name}-node@clients.example.org`);
    const { id } = await call("suppressions.add", { email });
    assert.equal((await call("suppressions.get", id)).email, email);
    assert.equal((await call("suppressions.get", email)).id, id);
    const listed = await call("suppressions.list", { origin: "manual", limit: 100 });
    assert.ok(listed.data.some((each) => each.id === id));
    const added = await call("suppressions.batch.add", { emails });
    const byEmail = await call("suppressions.batch.remove", { emails: emails.slice(0, 1) });
    assert.deepEqual(byEmail.data.map((each) => each.id), [added.data[0].id]);
    const byId = await call("suppressions.batch.remove", { ids: [added.data[1].id] });
    assert.deepEqual(byId.data.map((each) => each.id), [added.data[1].id]);
    assert.equal((await call("suppressions.remove", email)).deleted, true);
    assert.equal((await refusal("suppressions.get", email)).name, "not_found");
  },

  async usage() {
    const { emails } = await call("usage.get");
    await call("emails.send", { from: FROM, to: "you@clients.example.org", subject: "Counted", text: "x" });
    const after = (await call("usage.get")).emails;
    for (const period of ["daily", "monthly"]) {
      assert.equal(after[period].used, emails[period].used + 1);
      assert.equal(after[period].sent, after[period].used);
      assert.ok(Date.parse(after[period].resets_at) > Date.now());
    }
  },

  // Contacts belong to people and not to keys.
  async contacts() {
    const { call } = session;
    const email = "ada@node.example.org";
    const { id } = await call("contacts.create", { email, firstName: "Ada", lastName: "Lovelace", unsubscribed: false });
    for (const key of [id, { id }, { email }]) {
      const found = await call("contacts.get", key);
      assert.deepEqual([found.id, found.email, found.first_name, found.last_name], [id, email, "Ada", "Lovelace"]);
    }
    await call("contacts.update", { email, firstName: "Augusta", unsubscribed: true });
    const changed = await call("contacts.get", id);
    assert.deepEqual([changed.first_name, changed.last_name, changed.unsubscribed], ["Augusta", "Lovelace", true]);
    const listed = await call("contacts.list", { limit: 100 });
    assert.ok(listed.data.some((contact) => contact.id === id));
    const segment = await call("segments.create", { name: "Readers" });
    await call("contacts.segments.add", { email, segmentId: segment.id });
    const segments = await call("contacts.segments.list", { contactId: id, email });
    assert.deepEqual(segments.data.map((each) => each.name), ["Readers"]);
    const members = await call("contacts.list", { segmentId: segment.id });
    assert.deepEqual(members.data.map((contact) => contact.id), [id]);
    await call("contacts.segments.remove", { email, segmentId: segment.id });
    assert.deepEqual((await call("contacts.segments.list", { email })).data, []);
    // The older word names a contact below its audience.
    const own = await call("contacts.create", { audienceId: segment.id, email: "grace@node.example.org" });
    assert.equal((await call("contacts.get", { audienceId: segment.id, id: own.id })).email, "grace@node.example.org");
    await call("contacts.update", { audienceId: segment.id, id: own.id, unsubscribed: true });
    assert.equal((await call("contacts.remove", { audienceId: segment.id, id: own.id })).contact, own.id);
    assert.equal((await call("contacts.remove", { email })).contact, id);
    assert.equal((await session.refusal("contacts.get", id)).name, "not_found");
    assert.equal((await refusal("contacts.list")).statusCode, 401);
  },

  async segments() {
    const { call } = session;
    const { id } = await call("segments.create", { name: "Buyers" });
    assert.equal((await call("segments.get", id)).name, "Buyers");
    await call("segments.update", id, { name: "Customers" });
    const listed = await call("segments.list", { limit: 100 });
    assert.equal(listed.data.find((segment) => segment.id === id).name, "Customers");
    assert.equal((await call("segments.remove", id)).deleted, true);
    assert.equal((await session.refusal("segments.get", id)).name, "not_found");
  },
};

function methods() {
  const resources = {
    emails: resend.emails,
    batch: resend.batch,
    domains: resend.domains,
    apiKeys: resend.apiKeys,
    webhooks: resend.webhooks,
    "webhooks.events": resend.webhooks.events,
    "webhooks.events.attempts": resend.webhooks.events.attempts,
    suppressions: resend.suppressions,
    "suppressions.batch": resend.suppressions.batch,
    usage: resend.usage,
    contacts: resend.contacts,
    "contacts.segments": resend.contacts.segments,
    segments: resend.segments,
  };
  return Object.entries(resources).flatMap(([name, resource]) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(resource))
      .filter((method) => method !== "constructor")
      .map((method) => `${name}.${method}`),
  );
}

async function main([story]) {
  if (story === "methods") return methods();
  await stories[story]();
  return [...called];
}

main(process.argv.slice(2)).then(
  (names) => {
    console.log(JSON.stringify(names));
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
