package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"gongji/bench/province"
	"gongji/bench/wire"
)

// benchServer is a server of its own to be measured: a child process on free ports, with a ledger in a temporary directory.
type benchServer struct {
	dir      string // where to put that directory
	command  selfCommand
	province []intake
	flags    []string // further ones of serve
	say      func(format string, a ...any)

	made  string
	child *exec.Cmd
	ended chan error
}

func provinceLoadsOf(seed uint64, persons int) []intake {
	return provinceLoads(province.New(seed, max(1, min(persons, province.MaxPersons))), seed)
}

// benchServerPatience is how long the server may take to be ready, and to answer while it is loaded.
const benchServerPatience = time.Minute

// start serves, and loads the province by the calls that gongji import uses.
func (b *benchServer) start(ctx context.Context) (s wire.Server, err error) {
	if b.made, err = os.MkdirTemp(b.dir, "gongji-bench-"); err != nil {
		return s, err
	}
	business, err1 := freeLoopback()
	admin, err2 := freeLoopback()
	catalogue := filepath.Join(b.made, "catalogue")
	if err := errors.Join(err1, err2, os.WriteFile(catalogue, []byte(wire.Catalogue), 0o600)); err != nil {
		return s, err
	}
	s = wire.Server{Business: business, Admin: "http://" + admin, Dir: filepath.Join(b.made, "ledger")}
	line, env, err := b.command(append([]string{"serve", "--dir=" + s.Dir, "--key-file=" + filepath.Join(b.made, "key"), "--listen=" + business, "--admin-listen=" + admin,
		"--echo", "--catalogue=" + catalogue, "--log-level=warn"}, b.flags...)...)
	if err != nil {
		return s, err
	}
	b.child = exec.Command(line[0], line[1:]...)
	b.child.Env, b.child.Stderr = append(os.Environ(), env...), os.Stderr
	b.child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal is ours to pass on
	if err := b.child.Start(); err != nil {
		return s, fmt.Errorf("start the server: %w", err)
	}
	s.PID, b.ended = b.child.Process.Pid, make(chan error, 1)
	go func() { b.ended <- b.child.Wait() }()
	return s, b.load(ctx, s.Admin)
}

// freeLoopback is a loopback address that nobody listens at now.
func freeLoopback() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (b *benchServer) load(ctx context.Context, admin string) error {
	im := newImporter(newClient(admin), clientBenchConnections, benchServerPatience, io.Discard)
	defer im.client.close()
	if _, err := im.client.sendAgain(ctx, http.MethodGet, "/readyz", "", nil, benchServerPatience, func(string, time.Duration) {}); err != nil {
		return fmt.Errorf("the server does not become ready: %w", err)
	}
	start, lines := time.Now(), int64(0)
	for _, l := range b.province {
		n, err := im.run(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		if refused := n.refusedLines(); refused > 0 {
			return fmt.Errorf("%s: %d lines refused", l.what, refused)
		}
		lines += n.lines
	}
	b.say("loaded %d lines of a province in %.1f s", lines, time.Since(start).Seconds())
	return nil
}

// clientBenchConnections of the importer, as its own default.
const clientBenchConnections = 4

// stop ends the server in order and removes the directory.
func (b *benchServer) stop() (err error) {
	if b.ended != nil {
		if err = b.child.Process.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
			err = nil
		}
		if ended := <-b.ended; ended != nil {
			err = errors.Join(err, fmt.Errorf("the server: %w", ended))
		}
	}
	if b.made != "" {
		err = errors.Join(err, os.RemoveAll(b.made))
	}
	return err
}
