package api

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/rs/zerolog"
)

// AccessLog says which requests get a line in the log.
type AccessLog uint8

// The levels of access log. The default keeps the log off the hot path; the audit trail of what
// happened is the ledger's log, not this.
const (
	LogFailures AccessLog = iota // answers of 500 and above
	LogAll
)

// Options of a Server. The zero value of each field is its default.
type Options struct {
	Listen      string // business listener, default 127.0.0.1:8700
	AdminListen string // admin listener, default 127.0.0.1:8701

	// AllowedHosts are further names that Host may have, besides localhost and the loopback
	// addresses: the names under which a reverse proxy on this machine is reached.
	AllowedHosts []string

	Log       zerolog.Logger
	AccessLog AccessLog

	// Ready tells whether business can be done; its error becomes the reason on /readyz, so it must
	// not hold secrets. nil: always. Called from request goroutines.
	Ready func() error
	// WriteMetrics adds the metrics of other packages to /metrics. Called from request goroutines.
	WriteMetrics func(io.Writer)

	// Authenticate sets c.Caller, or answers the call and returns false. It runs before every route of
	// the faces, not before /healthz and its like. nil: Caller stays empty.
	Authenticate func(c *Call) bool
	// Limiter, if set, bounds the rate of each Caller; an empty Caller counts as one caller.
	Limiter *Limiter

	ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	ConnectionsMax                         int
}

// ErrNotLoopback says that a listener address could be reached from another machine.
var ErrNotLoopback = errors.New("not a loopback address; refused until callers are authenticated (R31)")

const (
	defaultListen      = "127.0.0.1:8700"
	defaultAdminListen = "127.0.0.1:8701"
)

// withDefaults fills in and checks what New was given.
func (o Options) withDefaults() (Options, error) {
	if o.Listen == "" {
		o.Listen = defaultListen
	}
	if o.AdminListen == "" {
		o.AdminListen = defaultAdminListen
	}
	for _, l := range []struct{ what, addr string }{{"business", o.Listen}, {"admin", o.AdminListen}} {
		if err := checkLoopback(l.addr); err != nil {
			return o, fmt.Errorf("api: %s listener %q: %w", l.what, l.addr, err)
		}
	}
	for d, def := range map[*time.Duration]time.Duration{
		&o.ReadTimeout: ReadTimeout, &o.WriteTimeout: WriteTimeout, &o.IdleTimeout: IdleTimeout,
	} {
		if *d == 0 {
			*d = def
		}
		if *d < 0 {
			return o, fmt.Errorf("api: negative time-out %v", *d)
		}
	}
	if o.ConnectionsMax == 0 {
		o.ConnectionsMax = ConnectionsMax
	}
	if o.ConnectionsMax < 1 {
		return o, fmt.Errorf("api: %d connections", o.ConnectionsMax)
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	return o, nil
}

// checkLoopback accepts a loopback address in numbers, or "localhost", with a port. Other names are
// refused without asking a resolver: what a name means can change after the check.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return ErrNotLoopback
	}
	return nil
}
