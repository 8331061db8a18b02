<?php

// Sends email by ZidiMail's gRPC API and follows what becomes of it.

declare(strict_types=1);

use Google\Rpc\BadRequest;
use Google\Rpc\ErrorInfo;
use Google\Rpc\Status;
use Grpc\ChannelCredentials;
use Grpc\Health\V1\HealthCheckRequest;
use Grpc\Health\V1\HealthCheckResponse\ServingStatus;
use Grpc\Health\V1\HealthClient;
use Zidimail\V1\BatchMode;
use Zidimail\V1\BatchSendEmailsRequest;
use Zidimail\V1\EmailServiceClient;
use Zidimail\V1\EventServiceClient;
use Zidimail\V1\EventType;
use Zidimail\V1\GetEmailRequest;
use Zidimail\V1\ListEmailsRequest;
use Zidimail\V1\ListEventsRequest;
use Zidimail\V1\SendEmailRequest;
use Zidimail\V1\WatchEventsRequest;

// The stubs and Debian's packages are found by the include path.
spl_autoload_register(function (string $class): void {
    $path = stream_resolve_include_path(strtr($class, '\\', '/') . '.php');
    if ($path !== false) {
        require $path;
    }
});
if (!extension_loaded('grpc')) {
    require __DIR__ . '/BaseStub.php';
}

const CODES = [3 => 'INVALID_ARGUMENT', 4 => 'DEADLINE_EXCEEDED', 16 => 'UNAUTHENTICATED'];
// Every call but a stream should have a deadline: without, it may wait for ever.
const DEADLINE = ['timeout' => 10_000_000]; // microseconds
define('FROM', getenv('ZIDIMAIL_FROM'));
define('AUTH', ['authorization' => ['Bearer ' . getenv('ZIDIMAIL_API_KEY')]]);

$target = getenv('ZIDIMAIL_TARGET');
$ca = getenv('ZIDIMAIL_CA');
$channel = [
    // With a CA the program speaks TLS. Without an argument, createSsl trusts the well-known ones.
    'credentials' => $ca
        ? ChannelCredentials::createSsl(file_get_contents($ca)) : ChannelCredentials::createInsecure(),
];
$emails = new EmailServiceClient($target, $channel);
$events = new EventServiceClient($target, $channel);

function report(string|int|null ...$words): void
{
    echo implode(' ', $words), "\n";
}

/** The answer of a call, which is an error of this program if it fails. */
function answer(object $call): object
{
    [$answer, $status] = $call->wait();
    return $answer ?? throw new RuntimeException("{$status->code}: {$status->details}");
}

/** The error of a call that is going to fail: the name of its code, its ErrorInfo, its BadRequest. */
function refusal(object $call): object
{
    [$answer, $status] = $call->wait();
    if ($answer !== null) {
        throw new RuntimeException('The call did not fail.');
    }
    $details = new Status();
    $details->mergeFromString($status->metadata['grpc-status-details-bin'][0] ?? '');
    $found = [ErrorInfo::class => new ErrorInfo(), BadRequest::class => new BadRequest()];
    foreach ($details->getDetails() as $detail) {
        $found[get_class($detail->unpack())] = $detail->unpack();
    }
    return (object) [
        'code' => CODES[$status->code] ?? $status->code,
        'info' => $found[ErrorInfo::class],
        'fields' => $found[BadRequest::class]->getFieldViolations(),
    ];
}

/**
 * The events behind a cursor as they happen, until the caller leaves the loop.
 *
 * Goes on by itself when the server restarts. A program that keeps the last cursor misses nothing, even when it
 * is restarted itself.
 */
function follow(EventServiceClient $events, string $cursor): Generator
{
    while (true) {
        $call = $events->WatchEvents(new WatchEventsRequest(['after' => $cursor]), AUTH);
        try {
            foreach ($call->responses() as $answer) {
                yield $answer->getEvent();
                $cursor = $answer->getEvent()->getCursor();
            }
        } finally {
            $call->cancel();
        }
        $status = $call->getStatus();
        if ($status->code !== Grpc\STATUS_UNAVAILABLE) {
            throw new RuntimeException("{$status->code}: {$status->details}");
        }
        sleep(1);
    }
}

/** The first `$count` events of an email behind a cursor. */
function events_of(EventServiceClient $events, string $email_id, string $cursor, int $count): array
{
    $seen = [];
    foreach (follow($events, $cursor) as $event) {
        if ($event->getEmailId() === $email_id) {
            $seen[] = $event;
        }
        if (count($seen) === $count) {
            break;
        }
    }
    return $seen;
}

/** The cursor behind the newest event. */
function end_of_log(EventServiceClient $events): string
{
    $request = new ListEventsRequest(['limit' => 100]);
    do {
        $page = answer($events->ListEvents($request, AUTH, DEADLINE));
        $request->setAfter($page->getNextCursor());
    } while ($page->getHasMore());
    return $page->getNextCursor();
}

$start = end_of_log($events);

$email = new SendEmailRequest([
    'from' => FROM, 'to' => ['delivered@simulator.test'], 'subject' => 'Hello from PHP', 'text' => 'It works.',
    // Repeat the call as often as you like, after a timeout for instance: it sends once.
    'idempotency_key' => bin2hex(random_bytes(16)),
]);
$sent = answer($emails->SendEmail($email, AUTH, DEADLINE));
report('send', $sent->getId());
$again = answer($emails->SendEmail($email, AUTH, DEADLINE));
report('repeat', $again->getId(), $again->getReplayed() ? 'replayed' : 'sent again');

$batch = new BatchSendEmailsRequest(['mode' => BatchMode::BATCH_MODE_PERMISSIVE, 'emails' => array_map(
    fn ($to) => new SendEmailRequest(['from' => FROM, 'to' => [$to], 'subject' => 'Batch', 'text' => 'It works.']),
    ['delivered@simulator.test', 'not-an-address', 'delivered+2@simulator.test']
)]);
$results = answer($emails->BatchSendEmails($batch, AUTH, DEADLINE))->getResults();
report('batch-permissive', implode(',', array_map(fn ($each) => $each->getOutcome(), iterator_to_array($results))));
$batch->setMode(BatchMode::BATCH_MODE_STRICT);
$refused = refusal($emails->BatchSendEmails($batch, AUTH, DEADLINE));
report('batch-strict', $refused->code, $refused->info->getReason(), $refused->info->getMetadata()['index']);

$wanted = new GetEmailRequest(['id' => $sent->getId(), 'without_bodies' => true]);
$read = answer($emails->GetEmail($wanted, AUTH, DEADLINE))->getEmail();
report('get', $read->getId(), $read->getSubject());

// The newest emails, page by page.
$listed = [];
$listing = new ListEmailsRequest(['limit' => 2]);
for ($number = 1; $number <= 3; $number++) {
    $page = answer($emails->ListEmails($listing, AUTH, DEADLINE));
    array_push($listed, ...$page->getData());
    if (!$page->getHasMore()) {
        break;
    }
    $listing->setAfter($page->getNextCursor());
}
report('pages', count($listed));

$nameless = new SendEmailRequest(['to' => ['delivered@simulator.test'], 'subject' => 'From nobody', 'text' => '?']);
$refused = refusal($emails->SendEmail($nameless, AUTH, DEADLINE));
report('invalid', $refused->code, $refused->info->getReason(), $refused->fields[0]->getField());

$refused = refusal($emails->SendEmail($email, ['authorization' => ['Bearer wrong']], DEADLINE));
report('unauthenticated', $refused->code, $refused->info->getReason());

$seen = events_of($events, $sent->getId(), $start, 2);
report('watch', EventType::name($seen[0]->getType()), count($seen));
[$resumed] = events_of($events, $sent->getId(), $seen[0]->getCursor(), 1);
if ($resumed->getId() !== $seen[1]->getId()) {
    throw new RuntimeException('The stream skipped an event.');
}
report('resume', $resumed->getId());

$call = $events->WatchEvents(new WatchEventsRequest(), AUTH, ['timeout' => 100_000]);
iterator_to_array($call->responses());
report('deadline', CODES[$call->getStatus()->code]);

$refused = refusal($events->ListEvents(new ListEventsRequest(['after' => 'nonsense']), AUTH, DEADLINE));
report('bad-cursor', $refused->code, $refused->fields[0]->getField());

$health = new HealthClient($target, $channel);
$check = new HealthCheckRequest(['service' => 'zidimail.v1.EmailService']);
report('health', ServingStatus::name(answer($health->Check($check, [], DEADLINE))->getStatus()));
