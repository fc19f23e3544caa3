package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gongji/bench/province"
	"gongji/engine"
	"gongji/engine/ledger"
)

// serveArgs, if set in the environment, makes the test binary a server: TestKill's child.
const serveArgs = "GONGJI_TEST_SERVE"

// child is a real server process.
type child struct {
	cmd    *exec.Cmd
	stderr io.ReadCloser
}

// startChild starts a server and returns when it says that it serves.
func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), serveArgs+"="+strings.Join(append([]string{"serve"}, args...), "\n"))
	var err error
	if c.stderr, err = c.cmd.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for in := bufio.NewScanner(c.stderr); in.Scan(); {
		if strings.Contains(in.Text(), `"serving"`) {
			return c
		}
		t.Log(in.Text())
	}
	t.Fatalf("the server did not come up: %v", c.cmd.Wait())
	return nil
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err == nil {
		t.Fatal("the server ended by itself")
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestKill (T9): a real server is killed under the load of real clients, again and again; what their own synced books hold is in the ledger,
// with the same amounts, and the ledger verifies from zero.
func TestKill(t *testing.T) {
	const kills, tills = 5, 8
	dir := t.TempDir()
	ledgerDir, business, admin := filepath.Join(dir, "ledger"), freeAddress(t), freeAddress(t)
	args := []string{"--dir", ledgerDir, "--listen", business, "--admin-listen", admin}
	var books []string
	var acked, unknown int64
	for round := range kills {
		c := startChild(t, args...)
		if round == 0 {
			im := newImporter(newClient("http://"+admin), 1, demoPatience, io.Discard)
			importAll(t, im, province.New(3, 1000))
			im.client.close()
		}
		cmd := &tillLoadCmd{Server: "http://" + business, Book: filepath.Join(dir, fmt.Sprint("book", round)), Seed: 3, Persons: 1000}
		synced, lost := loadAndKill(t, c, cmd, tills, 150+100*round)
		books, acked, unknown = append(books, cmd.Book), acked+synced, unknown+lost
	}
	checked := 0
	v, err := engine.Verify(engine.VerifyOptions{Dir: ledgerDir, KeyFile: ledgerDir + ".key", Scratch: dir,
		Acked: func(lookup func(ledger.Key) (engine.Entry, bool, error)) error {
			for _, b := range books {
				n, err := checkBook(b, lookup)
				if err != nil {
					return err
				}
				checked += n
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if acked < 150*kills || int64(checked) != acked || v.Settlements < uint64(acked) || v.Totals.Sum() != 0 {
		t.Errorf("acknowledged %d, found %d, settlements %d, sum %d", acked, checked, v.Settlements, v.Totals.Sum())
	}
	t.Logf("T9 kill kills=%d acked=%d unknown=%d checked=%d lost=0", kills, acked, unknown, checked)
}

// loadAndKill plays tills until least settlements were sent off, kills the server in the middle, and gives what the book holds.
func loadAndKill(t *testing.T, c *child, cmd *tillLoadCmd, tills, least int) (synced, unknown int64) {
	t.Helper()
	b, err := openBook(cmd.Book)
	if err != nil {
		t.Fatal(err)
	}
	l := newTillLoad(cmd, b)
	defer l.client.close()
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for range tills {
		wg.Go(func() {
			for !l.gone.Load() {
				n := l.next.Add(1)
				if n == int64(least) {
					close(enough)
				}
				l.settle(int(n))
			}
		})
	}
	<-enough
	c.kill(t)
	wg.Wait()
	if synced, err = b.close(); err != nil {
		t.Fatal(err)
	}
	return synced, l.unknown.Load()
}
