import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.zidimail.v1.BatchMode;
import com.zidimail.v1.BatchSendEmailsRequest;
import com.zidimail.v1.EmailServiceGrpc;
import com.zidimail.v1.EmailServiceGrpc.EmailServiceBlockingStub;
import com.zidimail.v1.Event;
import com.zidimail.v1.EventServiceGrpc;
import com.zidimail.v1.EventServiceGrpc.EventServiceBlockingStub;
import com.zidimail.v1.GetEmailRequest;
import com.zidimail.v1.ListEmailsRequest;
import com.zidimail.v1.ListEventsRequest;
import com.zidimail.v1.SendEmailRequest;
import com.zidimail.v1.WatchEventsRequest;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;

/** Sends email by ZidiMail's gRPC API and follows what becomes of it. */
public final class Mailer {
  private final EmailServiceBlockingStub emails;
  private final EventServiceBlockingStub events;

  Mailer(Channel channel) {
    emails = EmailServiceGrpc.newBlockingStub(channel);
    events = EventServiceGrpc.newBlockingStub(channel);
  }

  /** The stub for one call: its deadline begins now. */
  private EmailServiceBlockingStub emails() {
    return emails.withDeadlineAfter(10, SECONDS);
  }

  private EventServiceBlockingStub events() {
    return events.withDeadlineAfter(10, SECONDS);
  }

  /** A channel that sends the key with each call. It speaks TLS if ZIDIMAIL_CA names the CA to trust. */
  static ManagedChannel connect(String apiKey) throws IOException {
    var ca = System.getenv().getOrDefault("ZIDIMAIL_CA", "");
    var credentials = ca.isEmpty()
        ? InsecureChannelCredentials.create()
        : TlsChannelCredentials.newBuilder().trustManager(new File(ca)).build();
    var headers = new Metadata();
    headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + apiKey);
    return Grpc.newChannelBuilder(System.getenv("ZIDIMAIL_TARGET"), credentials)
        .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
        .build();
  }

  /** What a program decides by when a call fails. The message is for people. */
  record Refusal(Status.Code code, String reason, Map<String, String> metadata, List<String> fields) {
    /** Of a call that is going to fail. */
    static Refusal of(Runnable call) throws InvalidProtocolBufferException {
      try {
        call.run();
      } catch (StatusRuntimeException failure) {
        var info = ErrorInfo.getDefaultInstance();
        var badRequest = BadRequest.getDefaultInstance();
        for (Any detail : StatusProto.fromThrowable(failure).getDetailsList()) {
          if (detail.is(ErrorInfo.class)) {
            info = detail.unpack(ErrorInfo.class);
          } else if (detail.is(BadRequest.class)) {
            badRequest = detail.unpack(BadRequest.class);
          }
        }
        var fields = badRequest.getFieldViolationsList().stream().map(BadRequest.FieldViolation::getField);
        return new Refusal(
            failure.getStatus().getCode(), info.getReason(), info.getMetadataMap(), fields.toList());
      }
      throw new IllegalStateException("The call did not fail.");
    }
  }

  static SendEmailRequest.Builder email(String to) {
    return SendEmailRequest.newBuilder()
        .setFrom(System.getenv("ZIDIMAIL_FROM"))
        .addTo(to)
        .setSubject("Your order")
        .setText("It is on its way.");
  }

  /** The cursor behind the newest event. */
  String endOfLog() {
    var request = ListEventsRequest.newBuilder();
    while (true) {
      var page = events().listEvents(request.build());
      if (!page.getHasMore()) {
        return page.getNextCursor();
      }
      request.setAfter(page.getNextCursor());
    }
  }

  /**
   * The first events of an email behind a cursor. When the server restarts, the stream goes on behind the last
   * event, so that none is missed.
   */
  List<Event> watch(String cursor, String emailId, int count) throws InterruptedException {
    var seen = new ArrayList<Event>();
    while (true) {
      // Closing the context cancels the call: so the program leaves the stream.
      try (var context = Context.current().withCancellation()) {
        var attached = context.attach();
        try {
          var stream = events.watchEvents(WatchEventsRequest.newBuilder().setAfter(cursor).build());
          while (seen.size() < count) {
            var event = stream.next().getEvent();
            cursor = event.getCursor();
            if (event.getEmailId().equals(emailId)) {
              seen.add(event);
            }
          }
          return seen;
        } finally {
          context.detach(attached);
        }
      } catch (StatusRuntimeException failure) {
        if (failure.getStatus().getCode() != Status.Code.UNAVAILABLE) {
          throw failure;
        }
        Thread.sleep(1_000);
      }
    }
  }

  void run() throws Exception {
    var before = endOfLog();

    // The key belongs to the order, and makes a repeated send safe: it gets the first answer.
    var order = email("delivered@simulator.test").setIdempotencyKey("order-" + UUID.randomUUID()).build();
    var sent = emails().sendEmail(order);
    print("send", sent.getId());
    var repeated = emails().sendEmail(order);
    print("repeat", repeated.getId(), repeated.getReplayed() ? "replayed" : "sent again");

    var batch = BatchSendEmailsRequest.newBuilder()
        .addEmails(email("delivered+1@simulator.test"))
        .addEmails(email("not an address"))
        .addEmails(email("delivered+2@simulator.test"))
        .setMode(BatchMode.BATCH_MODE_PERMISSIVE);
    var results = emails().batchSendEmails(batch.build()).getResultsList();
    print("batch-permissive", results.stream()
        .map(result -> result.getOutcomeCase().name().toLowerCase())
        .collect(Collectors.joining(",")));
    batch.setMode(BatchMode.BATCH_MODE_STRICT);
    var strict = Refusal.of(() -> emails().batchSendEmails(batch.build()));
    print("batch-strict", strict.code, strict.reason, strict.metadata.get("index"));

    var email = emails().getEmail(GetEmailRequest.newBuilder().setId(sent.getId()).build()).getEmail();
    print("get", email.getId(), email.getSubject());

    var list = ListEmailsRequest.newBuilder().setLimit(2);
    var read = 0;
    for (var pages = 0; pages < 3; pages++) {
      var page = emails().listEmails(list.build());
      read += page.getDataCount();
      if (page.getNextCursor().isEmpty()) {
        break;
      }
      list.setAfter(page.getNextCursor());
    }
    print("pages", read);

    var invalid = Refusal.of(() -> emails().sendEmail(order.toBuilder().clearFrom().build()));
    print("invalid", invalid.code, invalid.reason, invalid.fields.get(0));
    var stranger = connect("zm_live_unknown");
    try {
      var unknown = Refusal.of(() -> new Mailer(stranger).emails().sendEmail(order));
      print("unauthenticated", unknown.code, unknown.reason);
    } finally {
      stranger.shutdownNow();
    }

    var seen = watch(before, sent.getId(), 2);
    print("watch", seen.get(0).getType(), seen.size());
    print("resume", watch(seen.get(0).getCursor(), sent.getId(), 1).get(0).getId());

    var brief = events.withDeadlineAfter(100, MILLISECONDS);
    var late = Refusal.of(() -> brief.watchEvents(WatchEventsRequest.getDefaultInstance()).next());
    print("deadline", late.code);
    var bad = Refusal.of(
        () -> events().listEvents(ListEventsRequest.newBuilder().setAfter("nonsense").build()));
    print("bad-cursor", bad.code, bad.fields.get(0));

    var service = HealthCheckRequest.newBuilder().setService("zidimail.v1.EmailService").build();
    var health = HealthGrpc.newBlockingStub(emails.getChannel()).withDeadlineAfter(10, SECONDS);
    print("health", health.check(service).getStatus());
  }

  private static void print(Object... words) {
    System.out.println(List.of(words).stream().map(Object::toString).collect(Collectors.joining(" ")));
  }

  public static void main(String[] arguments) throws Exception {
    var channel = connect(System.getenv("ZIDIMAIL_API_KEY"));
    try {
      new Mailer(channel).run();
    } finally {
      channel.shutdownNow();
    }
  }
}
