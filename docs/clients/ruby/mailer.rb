# frozen_string_literal: true

# Sends email by ZidiMail's gRPC API and follows what becomes of it.

require "securerandom"
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "grpc"
require "grpc/health/v1/health_services_pb"
require "zidimail/v1/email_service_services_pb"
require "zidimail/v1/event_service_services_pb"

include Zidimail::V1

TARGET = ENV.fetch("ZIDIMAIL_TARGET")
FROM = ENV.fetch("ZIDIMAIL_FROM")
AUTH = { "authorization" => "Bearer #{ENV.fetch("ZIDIMAIL_API_KEY")}" }.freeze
# With a CA the program speaks TLS. Without an argument, ChannelCredentials.new trusts the well-known ones.
CA = ENV.fetch("ZIDIMAIL_CA", "")
CREDENTIALS = CA.empty? ? :this_channel_is_insecure : GRPC::Core::ChannelCredentials.new(File.read(CA))

# The timeout, in seconds, is the deadline of every call that names no other.
EMAILS = EmailService::Stub.new(TARGET, CREDENTIALS, timeout: 10)
EVENTS = EventService::Stub.new(TARGET, CREDENTIALS, timeout: 10)

def report(step, *results) = puts([step, *results].join(" "))

# An error of the API: the name of its code, its ErrorInfo, and its BadRequest if fields are wrong.
Refusal = Struct.new(:code, :info, :bad_request)

# Runs a call that is going to fail; returns its Refusal.
def refusal
  yield
  raise "The call did not fail."
rescue GRPC::BadStatus => error
  # A call that fails in the client, such as at its deadline, may have no details.
  details = error.to_rpc_status&.details || []
  info, bad_request = [Google::Rpc::ErrorInfo, Google::Rpc::BadRequest].map do |type|
    details.filter_map { |detail| detail.unpack(type) }.first
  end
  codes = GRPC::Core::StatusCodes
  code = codes.constants.find { |name| codes.const_get(name) == error.code }
  Refusal.new(code, info, bad_request)
end

# Yields the events behind a cursor as they happen, until the block breaks out. Goes on by itself when the
# server restarts: a program that keeps the last cursor misses nothing, even when it is restarted itself.
def follow(cursor)
  loop do
    call = EVENTS.watch_events(WatchEventsRequest.new(after: cursor), metadata: AUTH, return_op: true,
                               deadline: GRPC::Core::TimeConsts::INFINITE_FUTURE)
    call.execute.each do |answer|
      yield answer.event
      cursor = answer.event.cursor
    end
  rescue GRPC::Unavailable
    sleep 1
  ensure
    call&.cancel
  end
end

# The first `count` events of an email behind a cursor.
def events_of(email_id, cursor, count)
  seen = []
  follow(cursor) do |event|
    seen << event if event.email_id == email_id
    break if seen.size == count
  end
  seen
end

# The place behind the newest event.
def end_of_log
  request = ListEventsRequest.new(limit: 100)
  loop do
    page = EVENTS.list_events(request, metadata: AUTH)
    return page.next_cursor unless page.has_more

    request.after = page.next_cursor
  end
end

start = end_of_log

email = SendEmailRequest.new(
  from: FROM, to: ["delivered@simulator.test"], subject: "Hello from Ruby", text: "It works.",
  # Repeat the call as often as you like, after a timeout for instance: it sends once.
  idempotency_key: SecureRandom.uuid
)
sent = EMAILS.send_email(email, metadata: AUTH)
report "send", sent.id
again = EMAILS.send_email(email, metadata: AUTH)
report "repeat", again.id, ("replayed" if again.replayed)

batch = BatchSendEmailsRequest.new(
  mode: :BATCH_MODE_PERMISSIVE,
  emails: %w[delivered@simulator.test not-an-address delivered+2@simulator.test].map do |to|
    SendEmailRequest.new(from: FROM, to: [to], subject: "Batch", text: "It works.")
  end
)
results = EMAILS.batch_send_emails(batch, metadata: AUTH).results
report "batch-permissive", results.map(&:outcome).join(",")
batch.mode = :BATCH_MODE_STRICT
refused = refusal { EMAILS.batch_send_emails(batch, metadata: AUTH) }
report "batch-strict", refused.code, refused.info.reason, refused.info.metadata["index"]

read = EMAILS.get_email(GetEmailRequest.new(id: sent.id, without_bodies: true), metadata: AUTH).email
report "get", read.id, read.subject

# The newest emails, page by page.
listed = []
listing = ListEmailsRequest.new(limit: 2)
3.times do
  page = EMAILS.list_emails(listing, metadata: AUTH)
  listed.concat(page.data.to_a)
  break unless page.has_more

  listing.after = page.next_cursor
end
report "pages", listed.size

nameless = SendEmailRequest.new(to: ["delivered@simulator.test"], subject: "From nobody", text: "?")
refused = refusal { EMAILS.send_email(nameless, metadata: AUTH) }
report "invalid", refused.code, refused.info.reason, refused.bad_request.field_violations.first.field

refused = refusal { EMAILS.send_email(email, metadata: { "authorization" => "Bearer wrong" }) }
report "unauthenticated", refused.code, refused.info.reason

seen = events_of(sent.id, start, 2)
report "watch", seen.first.type, seen.size
resumed = events_of(sent.id, seen.first.cursor, 1)
raise "The stream skipped an event." unless resumed.first.id == seen.last.id

report "resume", resumed.first.id

refused = refusal do
  EVENTS.watch_events(WatchEventsRequest.new, metadata: AUTH, deadline: Time.now + 0.1).each { |_| }
end
report "deadline", refused.code

refused = refusal { EVENTS.list_events(ListEventsRequest.new(after: "nonsense"), metadata: AUTH) }
report "bad-cursor", refused.code, refused.bad_request.field_violations.first.field

health = Grpc::Health::V1::Health::Stub.new(TARGET, CREDENTIALS, timeout: 10)
report "health", health.check(Grpc::Health::V1::HealthCheckRequest.new(service: "zidimail.v1.EmailService")).status
