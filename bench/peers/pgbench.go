package peers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gongji/bench/result"
)

// pgbenchRun says how pgbench drives one case.
type pgbenchRun struct {
	script  string // of sql/
	clients int
	group   int  // settlements a transaction
	async   bool // synchronous_commit=off
	seconds int
	number  int // of all runs: message ids and walks of its own
}

// pgbenchThreads: as many as the machine of peers.md has cores.
const pgbenchThreads = 2

// latencySample is the share of transactions whose times pgbench writes down; all of them would cost it a few per cent.
const latencySample = "0.2"

// measure runs pgbench once.
func (c *cluster) measure(ctx context.Context, w *World, p pgbenchRun) (result.Run, error) {
	var run result.Run
	dir := filepath.Join(c.dir, "run")
	text, err := statements(p.script)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		return run, err
	}
	defer os.RemoveAll(dir)
	if c.user != nil {
		err = os.Chown(dir, int(c.user.Uid), int(c.user.Gid))
	}
	script := filepath.Join(c.dir, "script.sql")
	if err = errors.Join(err, os.WriteFile(script, []byte(text), 0o644)); err != nil {
		return run, err
	}
	thin0, rich0 := w.Starts(w.seed+uint64(p.number), 0, 1)
	args := []string{"-h", c.dir, "-p", socketPort, "-U", "postgres", "-n", "-M", "prepared", "-f", script, "-c", strconv.Itoa(p.clients), "-j", strconv.Itoa(min(p.clients, pgbenchThreads)),
		"-T", strconv.Itoa(p.seconds), "--random-seed=" + strconv.FormatUint(w.seed+uint64(p.number), 10), "-l", "--log-prefix=" + filepath.Join(dir, "log"), "--sampling-rate=" + latencySample}
	msgid0 := p.number * 1_000_000_000_000
	for name, value := range map[string]int{"n": 0, "msgid0": msgid0, "thins": w.ThinCount(), "riches": w.RichCount(), "thin0": thin0, "rich0": rich0, "clients": p.clients} {
		args = append(args, "-D", name+"="+strconv.Itoa(value))
	}
	before, err := c.cpuSeconds(ctx)
	if err != nil {
		return run, err
	}
	cmd := c.command(ctx, "pgbench", append(args, "postgres")...)
	if p.async {
		cmd.Env = append(cmd.Env, "PGOPTIONS=-c synchronous_commit=off")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return run, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	after, err := c.cpuSeconds(ctx)
	if err != nil {
		return run, err
	}
	figures, err := parsePgbench(string(out))
	if err != nil {
		return run, err
	}
	run = result.Run{Seconds: float64(figures.transactions) / figures.rate, Count: figures.transactions * uint64(p.group), Rate: figures.rate * float64(p.group), CPU: after - before}
	if figures.failed != 0 {
		run.Breaches = append(run.Breaches, fmt.Sprintf("%d transactions failed", figures.failed))
	}
	if run.Latency, err = readLatencies(dir); err != nil {
		return run, err
	}
	_, err = c.query(ctx, fmt.Sprintf("SELECT credit_rest(%d, %d, %d, %d, %d, %d)", msgid0, p.clients, thin0, rich0, w.ThinCount(), w.RichCount()))
	return run, err
}

// pgbenchFigures are what pgbench prints at its end.
type pgbenchFigures struct {
	transactions, failed uint64
	rate                 float64 // transactions a second, without the time to connect
}

var (
	pgbenchCount  = regexp.MustCompile(`(?m)^number of transactions actually processed: ([0-9]+)`)
	pgbenchFailed = regexp.MustCompile(`(?m)^number of failed transactions: ([0-9]+)`)
	pgbenchRate   = regexp.MustCompile(`(?m)^tps = ([0-9.]+) \((?:without initial connection time|excluding connections establishing)\)`)
)

// errPgbench says that pgbench's output is not what is known of it.
var errPgbench = errors.New("pgbench's output is not understood")

// parsePgbench reads the output of versions 13 to 17; those before 15 have no failed transactions.
func parsePgbench(out string) (f pgbenchFigures, err error) {
	count, rate := pgbenchCount.FindStringSubmatch(out), pgbenchRate.FindStringSubmatch(out)
	if count == nil || rate == nil {
		return f, fmt.Errorf("%w: %s", errPgbench, out)
	}
	f.transactions, err = strconv.ParseUint(count[1], 10, 64)
	if err == nil {
		f.rate, err = strconv.ParseFloat(rate[1], 64)
	}
	if failed := pgbenchFailed.FindStringSubmatch(out); err == nil && failed != nil {
		f.failed, err = strconv.ParseUint(failed[1], 10, 64)
	}
	if err != nil || f.transactions == 0 || f.rate <= 0 {
		return f, fmt.Errorf("%w: %w: %s", errPgbench, err, out)
	}
	return f, nil
}

// readLatencies reads the transaction logs in a directory: client, number, time in us, ...
func readLatencies(dir string) (*result.Latency, error) {
	names, err := filepath.Glob(filepath.Join(dir, "log*"))
	if err != nil {
		return nil, err
	}
	h := result.NewHistogram()
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		for in := bufio.NewScanner(f); in.Scan(); {
			fields := strings.Fields(in.Text())
			if len(fields) < 3 {
				err = fmt.Errorf("%w: %q", errPgbench, in.Text())
				break
			}
			us, err1 := strconv.ParseInt(fields[2], 10, 64)
			if err1 == nil { // "failed" and "skipped" stand in the place of a time
				h.Record(time.Duration(us) * time.Microsecond)
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	if h.Count() == 0 {
		return nil, fmt.Errorf("%w: %d logs hold no time", errPgbench, len(names))
	}
	return h.Latency(true)
}
