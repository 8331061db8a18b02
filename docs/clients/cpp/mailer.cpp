// Sends email by ZidiMail's gRPC API and follows what becomes of it.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "zidimail/v1/email_service.grpc.pb.h"
#include "zidimail/v1/event_service.grpc.pb.h"

namespace {

using namespace std::chrono_literals;
using namespace zidimail::v1;

std::string Setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Speaks TLS if ZIDIMAIL_CA names the CA to trust.
std::shared_ptr<grpc::Channel> Connect() {
  auto credentials = grpc::InsecureChannelCredentials();
  if (const auto path = Setting("ZIDIMAIL_CA"); !path.empty()) {
    std::ifstream file(path);
    grpc::SslCredentialsOptions trust;
    trust.pem_root_certs.assign(std::istreambuf_iterator<char>(file), {});
    credentials = grpc::SslCredentials(trust);
  }
  return grpc::CreateChannel(Setting("ZIDIMAIL_TARGET"), credentials);
}

// The context of one call: its credential, and its deadline from now on.
std::unique_ptr<grpc::ClientContext> Call(std::chrono::milliseconds within = 10s,
                                          const std::string& key = Setting("ZIDIMAIL_API_KEY")) {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata("authorization", "Bearer " + key);
  context->set_deadline(std::chrono::system_clock::now() + within);
  return context;
}

// What a program decides by when a call fails. The message is for people.
struct Refusal {
  std::string code;
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad_request;
};

Refusal RefusalOf(const grpc::Status& failure) {
  static const char* const kCodes[] = {
      "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
      "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
      "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};
  Refusal refusal{kCodes[failure.error_code()], {}, {}};
  google::rpc::Status status;
  status.ParseFromString(failure.error_details());
  for (const auto& detail : status.details()) {
    detail.UnpackTo(&refusal.info) || detail.UnpackTo(&refusal.bad_request);
  }
  return refusal;
}

void Expect(const grpc::Status& status) {
  if (!status.ok()) {
    throw std::runtime_error(RefusalOf(status).code + ": " + status.error_message());
  }
}

template <typename... Words>
void Print(const char* step, const Words&... words) {
  std::cout << step;
  ((std::cout << ' ' << words), ...);
  std::cout << std::endl;
}

SendEmailRequest Email(const std::string& to) {
  SendEmailRequest email;
  email.set_from(Setting("ZIDIMAIL_FROM"));
  email.add_to(to);
  email.set_subject("Your order");
  email.set_text("It is on its way.");
  return email;
}

// The cursor behind the newest event.
std::string EndOfLog(EventService::Stub& events) {
  ListEventsRequest request;
  while (true) {
    ListEventsResponse page;
    Expect(events.ListEvents(Call().get(), request, &page));
    if (!page.has_more()) {
      return page.next_cursor();
    }
    request.set_after(page.next_cursor());
  }
}

// The first events of an email behind a cursor. When the server restarts, the stream goes on behind the last
// event, so that none is missed.
std::vector<Event> Watch(EventService::Stub& events, const std::string& after, const std::string& email_id,
                         std::size_t count) {
  WatchEventsRequest request;
  request.set_after(after);
  std::vector<Event> seen;
  while (true) {
    const auto context = Call(1min);  // a program that follows the log for good sets none
    const auto stream = events.WatchEvents(context.get(), request);
    WatchEventsResponse next;
    while (seen.size() < count && stream->Read(&next)) {
      request.set_after(next.event().cursor());
      if (next.event().email_id() == email_id) {
        seen.push_back(next.event());
      }
    }
    context->TryCancel();  // leaves the stream
    const auto status = stream->Finish();
    if (seen.size() == count) {
      return seen;
    }
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) {
      Expect(status);
    }
    std::this_thread::sleep_for(1s);
  }
}

void Run() {
  const auto channel = Connect();
  const auto emails = EmailService::NewStub(channel);
  const auto events = EventService::NewStub(channel);
  const auto before = EndOfLog(*events);

  // The key belongs to the order, and makes a repeated send safe: it gets the first answer.
  auto order = Email("delivered@simulator.test");
  std::random_device random;
  order.set_idempotency_key("order-" + std::to_string(random()) + std::to_string(random()));
  SendEmailResponse sent, repeated;
  Expect(emails->SendEmail(Call().get(), order, &sent));
  Print("send", sent.id());
  Expect(emails->SendEmail(Call().get(), order, &repeated));
  Print("repeat", repeated.id(), repeated.replayed() ? "replayed" : "sent again");

  BatchSendEmailsRequest batch;
  for (const auto* to : {"delivered+1@simulator.test", "not an address", "delivered+2@simulator.test"}) {
    *batch.add_emails() = Email(to);
  }
  batch.set_mode(BATCH_MODE_PERMISSIVE);
  BatchSendEmailsResponse answer;
  Expect(emails->BatchSendEmails(Call().get(), batch, &answer));
  std::string outcomes;
  for (const auto& result : answer.results()) {
    outcomes += outcomes.empty() ? "" : ",";
    outcomes += result.has_sent() ? "sent" : "error";
  }
  Print("batch-permissive", outcomes);
  batch.set_mode(BATCH_MODE_STRICT);
  const auto strict = RefusalOf(emails->BatchSendEmails(Call().get(), batch, &answer));
  Print("batch-strict", strict.code, strict.info.reason(), strict.info.metadata().at("index"));

  GetEmailRequest get;
  get.set_id(sent.id());
  GetEmailResponse got;
  Expect(emails->GetEmail(Call().get(), get, &got));
  Print("get", got.email().id(), got.email().subject());

  ListEmailsRequest list;
  list.set_limit(2);
  int read = 0;
  for (int pages = 0; pages < 3; ++pages) {
    ListEmailsResponse page;
    Expect(emails->ListEmails(Call().get(), list, &page));
    read += page.data_size();
    if (page.next_cursor().empty()) {
      break;
    }
    list.set_after(page.next_cursor());
  }
  Print("pages", read);

  auto invalid = order;
  invalid.clear_from();
  const auto refused = RefusalOf(emails->SendEmail(Call().get(), invalid, &sent));
  Print("invalid", refused.code, refused.info.reason(), refused.bad_request.field_violations(0).field());
  const auto unknown = RefusalOf(emails->SendEmail(Call(10s, "zm_live_unknown").get(), order, &repeated));
  Print("unauthenticated", unknown.code, unknown.info.reason());

  const auto seen = Watch(*events, before, got.email().id(), 2);
  Print("watch", EventType_Name(seen[0].type()), seen.size());
  Print("resume", Watch(*events, seen[0].cursor(), got.email().id(), 1)[0].id());

  const auto brief = Call(100ms);
  const auto stream = events->WatchEvents(brief.get(), WatchEventsRequest());
  for (WatchEventsResponse next; stream->Read(&next);) {
  }
  Print("deadline", RefusalOf(stream->Finish()).code);

  ListEventsRequest nonsense;
  nonsense.set_after("nonsense");
  ListEventsResponse none;
  const auto bad = RefusalOf(events->ListEvents(Call().get(), nonsense, &none));
  Print("bad-cursor", bad.code, bad.bad_request.field_violations(0).field());

  grpc::health::v1::HealthCheckRequest service;
  service.set_service("zidimail.v1.EmailService");
  grpc::health::v1::HealthCheckResponse health;
  Expect(grpc::health::v1::Health::NewStub(channel)->Check(Call().get(), service, &health));
  Print("health", grpc::health::v1::HealthCheckResponse::ServingStatus_Name(health.status()));
}

}  // namespace

int main() {
  try {
    Run();
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << std::endl;
    return 1;
  }
}
