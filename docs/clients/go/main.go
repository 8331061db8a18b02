// Sends email by ZidiMail's gRPC API and follows what becomes of it.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	zidimail "github.com/zidimail/zidimail/gen/zidimail/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// apiKey is sent with each call of a connection.
type apiKey struct {
	key    string
	secure bool
}

func (k apiKey) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + k.key}, nil
}

func (k apiKey) RequireTransportSecurity() bool { return k.secure }

// connect uses TLS if ZIDIMAIL_CA names the CA to trust. grpc.Dial and grpc.WithInsecure work in every version
// of gRPC; from 1.63 on, grpc.NewClient and insecure.NewCredentials() are preferred.
func connect(key string) (*grpc.ClientConn, error) {
	ca := os.Getenv("ZIDIMAIL_CA")
	transport := grpc.WithInsecure()
	if ca != "" {
		trust, err := credentials.NewClientTLSFromFile(ca, "")
		if err != nil {
			return nil, err
		}
		transport = grpc.WithTransportCredentials(trust)
	}
	return grpc.Dial(os.Getenv("ZIDIMAIL_TARGET"), transport,
		grpc.WithPerRPCCredentials(apiKey{key, ca != ""}))
}

// refusal is what a program decides by when a call fails. The message is for people.
type refusal struct {
	code, reason string
	metadata     map[string]string
	fields       []string
}

func refusalOf(err error) refusal {
	failed := status.Convert(err)
	found := refusal{code: code.Code(failed.Code()).String()}
	for _, detail := range failed.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			found.reason, found.metadata = detail.Reason, detail.Metadata
		case *errdetails.BadRequest:
			for _, violation := range detail.FieldViolations {
				found.fields = append(found.fields, violation.Field)
			}
		}
	}
	return found
}

func email(to string) *zidimail.SendEmailRequest {
	text := "Your order is on its way."
	return &zidimail.SendEmailRequest{
		From: os.Getenv("ZIDIMAIL_FROM"), To: []string{to}, Subject: "Your order", Text: &text,
	}
}

// endOfLog is the cursor behind the newest event.
func endOfLog(ctx context.Context, events zidimail.EventServiceClient) (string, error) {
	request := &zidimail.ListEventsRequest{}
	for {
		page, err := events.ListEvents(ctx, request)
		if err != nil || !page.HasMore {
			return page.GetNextCursor(), err
		}
		request.After = &page.NextCursor
	}
}

// watch returns the first `count` events of an email behind a cursor. A broken stream goes on behind its last
// event, so that none is missed. Canceling the context leaves the stream.
func watch(ctx context.Context, events zidimail.EventServiceClient, after, emailID string, count int) (
	[]*zidimail.Event, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var seen []*zidimail.Event
	for {
		stream, err := events.WatchEvents(ctx, &zidimail.WatchEventsRequest{After: &after})
		for err == nil {
			var next *zidimail.WatchEventsResponse
			if next, err = stream.Recv(); err != nil {
				break
			}
			after = next.Event.Cursor
			if next.Event.EmailId == emailID {
				seen = append(seen, next.Event)
			}
			if len(seen) == count {
				return seen, nil
			}
		}
		if status.Code(err) != codes.Unavailable && err != io.EOF {
			return nil, err
		}
		time.Sleep(time.Second)
	}
}

func run() error {
	connection, err := connect(os.Getenv("ZIDIMAIL_API_KEY"))
	if err != nil {
		return err
	}
	defer connection.Close()
	emails, events := zidimail.NewEmailServiceClient(connection), zidimail.NewEventServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second) // the deadline of all calls
	defer cancel()
	before, err := endOfLog(ctx, events)
	if err != nil {
		return err
	}

	// The key belongs to the order, and makes a repeated send safe: a retry gets the first answer.
	order := email("delivered@simulator.test")
	key := fmt.Sprintf("order-%d", time.Now().UnixNano())
	order.IdempotencyKey = &key
	sent, err := emails.SendEmail(ctx, order)
	if err != nil {
		return err
	}
	fmt.Println("send", sent.Id)
	repeated, err := emails.SendEmail(ctx, order)
	if err != nil || !repeated.Replayed {
		return fmt.Errorf("the repeated send was not replayed: %w", err)
	}
	fmt.Println("repeat", repeated.Id, "replayed")

	batch := &zidimail.BatchSendEmailsRequest{
		Emails: []*zidimail.SendEmailRequest{
			email("delivered+1@simulator.test"), email("not an address"), email("delivered+2@simulator.test"),
		},
		Mode: zidimail.BatchMode_BATCH_MODE_PERMISSIVE,
	}
	answer, err := emails.BatchSendEmails(ctx, batch)
	if err != nil {
		return err
	}
	var outcomes []string
	for _, result := range answer.Results {
		switch result.Outcome.(type) {
		case *zidimail.BatchSendResult_Sent:
			outcomes = append(outcomes, "sent")
		case *zidimail.BatchSendResult_Error: // a google.rpc.Status: status.ErrorProto makes it an error
			outcomes = append(outcomes, "error")
		}
	}
	fmt.Println("batch-permissive", strings.Join(outcomes, ","))
	batch.Mode = zidimail.BatchMode_BATCH_MODE_STRICT
	_, err = emails.BatchSendEmails(ctx, batch)
	refused := refusalOf(err)
	fmt.Println("batch-strict", refused.code, refused.reason, refused.metadata["index"])

	got, err := emails.GetEmail(ctx, &zidimail.GetEmailRequest{Id: sent.Id})
	if err != nil {
		return err
	}
	fmt.Println("get", got.Email.Id, got.Email.Subject)

	limit, read := int32(2), 0
	list := &zidimail.ListEmailsRequest{Limit: &limit}
	for pages := 0; pages < 3; pages++ {
		page, err := emails.ListEmails(ctx, list)
		if err != nil {
			return err
		}
		read += len(page.Data)
		if page.NextCursor == "" {
			break
		}
		list.After = &page.NextCursor
	}
	fmt.Println("pages", read)

	invalid := email("delivered@simulator.test")
	invalid.From = ""
	_, err = emails.SendEmail(ctx, invalid)
	refused = refusalOf(err)
	fmt.Println("invalid", refused.code, refused.reason, strings.Join(refused.fields, " "))

	stranger, err := connect("zm_live_unknown")
	if err != nil {
		return err
	}
	defer stranger.Close()
	_, err = zidimail.NewEmailServiceClient(stranger).SendEmail(ctx, order)
	refused = refusalOf(err)
	fmt.Println("unauthenticated", refused.code, refused.reason)

	seen, err := watch(ctx, events, before, sent.Id, 2)
	if err != nil {
		return err
	}
	fmt.Println("watch", seen[0].Type, len(seen))
	resumed, err := watch(ctx, events, seen[0].Cursor, sent.Id, 1)
	if err != nil {
		return err
	}
	fmt.Println("resume", resumed[0].Id)

	brief, leave := context.WithTimeout(ctx, 100*time.Millisecond)
	defer leave()
	_, err = watch(brief, events, before, "no email", 1)
	fmt.Println("deadline", refusalOf(err).code)

	cursor := "nonsense"
	_, err = events.ListEvents(ctx, &zidimail.ListEventsRequest{After: &cursor})
	refused = refusalOf(err)
	fmt.Println("bad-cursor", refused.code, strings.Join(refused.fields, " "))

	health, err := grpc_health_v1.NewHealthClient(connection).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: "zidimail.v1.EmailService"})
	if err != nil {
		return err
	}
	fmt.Println("health", health.Status)
	return nil
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
