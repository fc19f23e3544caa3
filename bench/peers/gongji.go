package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is the real binary's `gongji serve` on the world's ledger.
type server struct {
	place           *ledgerPlace
	cmd             *exec.Cmd
	ended           chan error
	business, admin string // http://127.0.0.1:port
	client          *http.Client
}

// ledgerPlace is where the ledger lies. The measurements in process open the same directory while no server runs.
type ledgerPlace struct {
	dir, key string
	runs     int // credit runs of the feeders so far: each has a period of its own
}

func placeIn(dir string) *ledgerPlace {
	return &ledgerPlace{dir: filepath.Join(dir, "ledger"), key: filepath.Join(dir, "ledger.key")}
}

// startServer starts it and waits until it is ready.
func startServer(ctx context.Context, binary string, place *ledgerPlace) (*server, error) {
	business, err1 := freeAddress()
	admin, err2 := freeAddress()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	s := &server{place: place, business: "http://" + business, admin: "http://" + admin, ended: make(chan error, 1)}
	s.client = &http.Client{Timeout: startPatience, Transport: &http.Transport{MaxIdleConnsPerHost: batchConnectionsMax, DisableCompression: true}}
	s.cmd = exec.Command(binary, "serve", "--dir", place.dir, "--key-file", place.key, "--listen", business, "--admin-listen", admin, "--log-level", "error")
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is ours to pass on
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	for end := time.Now().Add(startPatience); ; {
		if _, err := s.get("/readyz"); err == nil {
			return s, nil
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("gongji serve ended: %w", err)
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), s.stop())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			return nil, errors.Join(fmt.Errorf("gongji serve is not ready after %s", startPatience), s.stop())
		}
	}
}

// freeAddress is one that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// stop ends it in order: everything admitted is answered, a checkpoint is made.
func (s *server) stop() error {
	s.client.CloseIdleConnections()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.ended:
		return err
	case <-time.After(startPatience):
		return errors.Join(errors.New("gongji serve does not stop"), s.cmd.Process.Kill(), <-s.ended)
	}
}

// get reads a path of the admin listener.
func (s *server) get(path string) ([]byte, error) {
	resp, err := s.client.Get(s.admin + path)
	if err != nil {
		return nil, err
	}
	return answerOf(resp)
}

func (s *server) post(url, media string, body []byte) ([]byte, error) {
	resp, err := s.client.Post(url, media, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return answerOf(resp)
}

func answerOf(resp *http.Response) ([]byte, error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerMax))
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %.300s", resp.Status, body)
	}
	return body, err
}

const (
	mediaJSON   = "application/json"
	mediaNDJSON = "application/x-ndjson"
	answerMax   = 4 << 20 // a batch of 1,000 outcomes has some 300 KB
)

// counters are the server's own, from /metrics.
type counters struct{ settlements, relatives, cash, postings uint64 }

func (s *server) counters() (c counters, err error) {
	text, err := s.get("/metrics")
	if err != nil {
		return c, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		to := map[string]*uint64{"gongji_settlements_accepted_total": &c.settlements, "gongji_settlements_mutual_aid_total": &c.relatives,
			"gongji_settlements_all_cash_total": &c.cash, "gongji_postings_total": &c.postings}[name]
		if to != nil {
			if *to, err = strconv.ParseUint(value, 10, 64); err != nil {
				return c, fmt.Errorf("metric %s: %w", name, err)
			}
		}
	}
	return c, nil
}
