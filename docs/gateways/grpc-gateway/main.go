// Command gateway serves the /v1 routes of the contract from a ZidiMail server.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"net/textproto"

	"github.com/grpc-ecosystem/grpc-gateway/runtime"
	// The details of errors, which are printed by their types.
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	zidimail "github.com/zidimail/zidimail/gen/zidimail/v1"
)

// The server's limit: a send with its attachments, or an email with its bodies.
const maxMessageBytes = 64 << 20

const idempotencyKey = "idempotency-key"

var services = []func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error{
	zidimail.RegisterAccountServiceHandler,
	zidimail.RegisterAdminServiceHandler,
	zidimail.RegisterApiKeyServiceHandler,
	zidimail.RegisterAttachmentServiceHandler,
	zidimail.RegisterBatchJobServiceHandler,
	zidimail.RegisterBillingServiceHandler,
	zidimail.RegisterContactsServiceHandler,
	zidimail.RegisterDomainServiceHandler,
	zidimail.RegisterEmailServiceHandler,
	zidimail.RegisterEventServiceHandler,
	zidimail.RegisterSuppressionServiceHandler,
	zidimail.RegisterUsageServiceHandler,
	zidimail.RegisterWebhookServiceHandler,
}

// metadataKey names the metadata that a header becomes. The gateway passes Authorization on by itself.
func metadataKey(header string) (string, bool) {
	if textproto.CanonicalMIMEHeaderKey(header) == "Idempotency-Key" {
		return idempotencyKey, true
	}
	return runtime.DefaultHeaderMatcher(header)
}

// withIdempotencyKey moves the key from the metadata into the request, where the contract has it. It wins over
// a key in the body.
func withIdempotencyKey(ctx context.Context, method string, request, reply interface{}, conn *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	sent, _ := metadata.FromOutgoingContext(ctx)
	if keys := sent.Get(idempotencyKey); len(keys) > 0 {
		switch send := request.(type) {
		case *zidimail.SendEmailRequest:
			send.XIdempotencyKey = &zidimail.SendEmailRequest_IdempotencyKey{IdempotencyKey: keys[0]}
		case *zidimail.BatchSendEmailsRequest:
			send.XIdempotencyKey = &zidimail.BatchSendEmailsRequest_IdempotencyKey{IdempotencyKey: keys[0]}
		case *zidimail.CreateBatchJobRequest:
			send.XIdempotencyKey = &zidimail.CreateBatchJobRequest_IdempotencyKey{IdempotencyKey: keys[0]}
		}
	}
	return invoke(ctx, method, request, reply, conn, options...)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8081", "where to serve HTTP")
	server := flag.String("server", "127.0.0.1:50051", "where the ZidiMail server listens")
	flag.Parse()

	conn, err := grpc.Dial(*server, grpc.WithInsecure(), grpc.WithUnaryInterceptor(withIdempotencyKey),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)))
	if err != nil {
		log.Fatal(err)
	}
	mux := runtime.NewServeMux(
		runtime.WithIncomingHeaderMatcher(metadataKey),
		runtime.WithProtoErrorHandler(runtime.DefaultHTTPProtoErrorHandler),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{OrigName: true, EmitDefaults: true}),
	)
	for _, register := range services {
		if err := register(context.Background(), mux, conn); err != nil {
			log.Fatal(err)
		}
	}
	log.Fatal(http.ListenAndServe(*listen, http.MaxBytesHandler(mux, maxMessageBytes)))
}
