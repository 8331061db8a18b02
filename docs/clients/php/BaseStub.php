<?php

// The part of PHP's grpc extension that the generated clients of this guide use, written with curl: unary calls,
// server streams, deadlines, TLS. Where the extension is installed, this file is not read.

declare(strict_types=1);

namespace Grpc;

const STATUS_DEADLINE_EXCEEDED = 4;
const STATUS_UNAVAILABLE = 14;

class ChannelCredentials
{
    /** No TLS. */
    public static function createInsecure(): ?string
    {
        return null;
    }

    /** TLS with these authorities, as PEM, or with the system's. */
    public static function createSsl(string $authorities = ''): string
    {
        return $authorities;
    }
}

class BaseStub
{
    public function __construct(private string $target, private array $options)
    {
    }

    protected function _simpleRequest($method, $request, $decode, array $metadata = [], array $options = [])
    {
        return new UnaryCall($this->request($method, $request, $metadata, $options), $decode[0]);
    }

    protected function _serverStreamRequest($method, $request, $decode, array $metadata = [], array $options = [])
    {
        return new ServerStreamingCall($this->request($method, $request, $metadata, $options), $decode[0]);
    }

    private function request(string $method, object $request, array $metadata, array $options): \CurlHandle
    {
        $headers = ['content-type: application/grpc', 'te: trailers'];
        foreach ($metadata as $name => $values) {
            array_push($headers, ...array_map(fn ($value) => "$name: $value", $values));
        }
        $authorities = $this->options['credentials'];
        $message = $request->serializeToString();
        $curl = curl_init(($authorities === null ? 'http://' : 'https://') . $this->target . $method);
        curl_setopt_array($curl, [
            CURLOPT_HTTP_VERSION => $authorities === null
                ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2TLS,
            CURLOPT_POST => true,
            // A message on the wire: not compressed, its length, and its bytes.
            CURLOPT_POSTFIELDS => pack('CN', 0, strlen($message)) . $message,
        ]);
        if ($authorities) {
            curl_setopt($curl, CURLOPT_CAINFO_BLOB, $authorities);
        }
        if (isset($options['timeout'])) {
            // In microseconds. The header holds 8 digits and a unit.
            $milliseconds = intdiv($options['timeout'] + 999, 1000);
            $headers[] = 'grpc-timeout: '
                . ($options['timeout'] < 100_000_000 ? "{$options['timeout']}u" : "{$milliseconds}m");
            curl_setopt($curl, CURLOPT_TIMEOUT_MS, $milliseconds);
        }
        curl_setopt($curl, CURLOPT_HTTPHEADER, $headers);
        return $curl;
    }
}

class ServerStreamingCall
{
    private array $headers = [];
    private string $received = '';
    private ?int $curlError = null;
    private bool $cancelled = false;

    public function __construct(private \CurlHandle $curl, private string $type)
    {
        curl_setopt($curl, CURLOPT_HEADERFUNCTION, function ($curl, string $line): int {
            // Curl hands over trailers like headers. HTTP/2 has their names in lower case.
            if (str_contains($line, ': ')) {
                [$name, $value] = explode(': ', rtrim($line, "\r\n"), 2);
                $this->headers[$name][] = str_ends_with($name, '-bin') ? base64_decode($value) : $value;
            }
            return strlen($line);
        });
        curl_setopt($curl, CURLOPT_WRITEFUNCTION, function ($curl, string $data): int {
            $this->received .= $data;
            return strlen($data);
        });
    }

    /** The messages as they arrive, until the call ends or is cancelled. */
    public function responses(): \Generator
    {
        $loop = curl_multi_init();
        curl_multi_add_handle($loop, $this->curl);
        try {
            do {
                curl_multi_exec($loop, $running);
                while (!$this->cancelled && ($message = $this->next()) !== null) {
                    yield $message;
                }
                if ($running && !$this->cancelled) {
                    curl_multi_select($loop);
                }
            } while ($running && !$this->cancelled);
            $this->curlError = curl_multi_info_read($loop)['result'] ?? null;
        } finally {
            // Ends the call at the server too, if it goes on.
            curl_multi_remove_handle($loop, $this->curl);
        }
    }

    /** The next message that has arrived in full. */
    private function next(): ?object
    {
        if (strlen($this->received) < 5) {
            return null;
        }
        $length = unpack('N', $this->received, 1)[1];
        if (strlen($this->received) < 5 + $length) {
            return null;
        }
        $message = new $this->type();
        $message->mergeFromString(substr($this->received, 5, $length));
        $this->received = substr($this->received, 5 + $length);
        return $message;
    }

    public function cancel(): void
    {
        $this->cancelled = true;
    }

    /** The result of a call that has ended: its code, the message for people, its headers and trailers. */
    public function getStatus(): object
    {
        $code = match (true) {
            isset($this->headers['grpc-status']) => (int) $this->headers['grpc-status'][0],
            $this->curlError === CURLE_OPERATION_TIMEDOUT => STATUS_DEADLINE_EXCEEDED,
            // Also when curl sees no error: when a server stops, it closes the connection before the trailers.
            default => STATUS_UNAVAILABLE,
        };
        $details = rawurldecode($this->headers['grpc-message'][0] ?? curl_strerror($this->curlError ?? CURLE_OK));
        return (object) ['code' => $code, 'details' => $details, 'metadata' => $this->headers];
    }
}

class UnaryCall
{
    private ServerStreamingCall $call;

    public function __construct(\CurlHandle $curl, string $type)
    {
        $this->call = new ServerStreamingCall($curl, $type);
    }

    /** The answer, null if the call failed, and the status. */
    public function wait(): array
    {
        $answers = iterator_to_array($this->call->responses());
        return [$answers[0] ?? null, $this->call->getStatus()];
    }
}
