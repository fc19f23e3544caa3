package api

import "time"

// Limits of the wire. Sources: api.md (body limits), reliability.md S6 and S7 (the others).
const (
	// HeaderBytesMax bounds the header lines together.
	HeaderBytesMax = 8 << 10
	// URLBytesMax bounds the request target: path and query.
	URLBytesMax = 1 << 10
	// readBufferBytes is fasthttp's read buffer of a connection, and with it the most that it takes for
	// request line and header. It is larger than what we allow, so that it is we who say which of the
	// two was too long: fasthttp forgets the request line when the buffer is full.
	readBufferBytes = 16 << 10
	// HeadersMax bounds the number of header lines.
	HeadersMax = 50

	// BusinessBodyMax bounds the body of an ordinary business call.
	BusinessBodyMax = 64 << 10
	// BatchBodyMax bounds …/batch.
	BatchBodyMax = 1 << 20
	// NationalBodyMax and NationalFileMax bound the national interface's calls and file uploads.
	NationalBodyMax = 256 << 10
	NationalFileMax = 16 << 20
	// BulkBodyMax bounds a streamed bulk load.
	BulkBodyMax = 4 << 30

	// ReadTimeout bounds reading one request with its body, from its first byte: a client that sends
	// one byte at a time is cut after it.
	ReadTimeout = 5 * time.Second
	// WriteTimeout bounds writing one answer.
	WriteTimeout = 5 * time.Second
	// IdleTimeout is how long a connection may stay open without a request (S7; a till reconnects in a
	// millisecond).
	IdleTimeout = 30 * time.Second
	// BulkStallTimeout is how long a bulk load may stand still: it has no bound as a whole, since
	// 4 GiB may come over a slow line, but each piece must keep coming.
	BulkStallTimeout = 30 * time.Second

	// ConnectionsMax bounds open connections of each listener. Each costs its buffers (16 KiB in, 4 KiB
	// out), so this is 320 MiB at worst; a province has fewer gateways than that. There is no limit by
	// client address: while both listeners are bound to loopback (R31) all clients have the same one.
	ConnectionsMax = 16 << 10
	// RequestsPerConnectionMax closes a connection after so many requests, so that load spreads again
	// after a restart. High enough to cost nothing.
	RequestsPerConnectionMax = 1_000_000

	// closeGrace is how long Shutdown waits after the last answer for connections to close by
	// themselves, before it closes them: answers are already in the kernel's buffer by then.
	closeGrace = time.Second

	// drainBytesMax and drainTimeout bound what is read of a refused body before the answer. A
	// connection closed with unread bytes is reset, and a reset can destroy the answer on its way.
	drainBytesMax = 256 << 10
	drainTimeout  = 200 * time.Millisecond
	// drainPause is how long the client may pause meanwhile; one that waits for the answer before it
	// sends the body costs this.
	drainPause = 20 * time.Millisecond

	// retryAfterStopping is the Retry-After of a server that is shutting down: a restart with a
	// checkpoint takes about this long (design.md 7: hard limit 20 s, usually one or two).
	retryAfterStopping = 2 * time.Second

	// callBufferKeep is the largest answer or body buffer a pooled Call keeps.
	callBufferKeep = 64 << 10

	// streamPieceMax is what a bulk reader asks of the connection before it looks at the clock again.
	streamPieceMax = 64 << 10
)
