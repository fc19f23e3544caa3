package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrMissing says which program is not installed.
var ErrMissing = errors.New("is not installed")

// Programs of the distribution's packages.
type Programs struct {
	bin string // directory of PostgreSQL's programs
	wrk string
}

// FindPrograms looks on the path and where Debian puts PostgreSQL, newest version first.
func FindPrograms() (Programs, error) {
	var p Programs
	var err error
	if p.wrk, err = exec.LookPath("wrk"); err != nil {
		return p, fmt.Errorf("wrk (package wrk) %w", ErrMissing)
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return p, err
	}
	slices.SortFunc(dirs, func(a, b string) int { return versionOf(b) - versionOf(a) })
	if initdb, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(initdb))
	}
	for _, dir := range dirs {
		if hasAll(dir, "initdb", "postgres", "psql", "pgbench") {
			p.bin = dir
			return p, nil
		}
	}
	return p, fmt.Errorf("PostgreSQL with initdb, postgres, psql and pgbench (packages postgresql and postgresql-contrib) %w", ErrMissing)
}

func versionOf(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))) // 0 for what is no number: last
	return n
}

func hasAll(dir string, names ...string) bool {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// Install installs the packages with apt; only root can.
func Install(ctx context.Context, out io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("only root can install: apt-get install postgresql postgresql-contrib wrk")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("no apt-get here: install PostgreSQL with pgbench, and wrk, by the system's own means")
	}
	for _, args := range [][]string{{"update"}, {"install", "-y", "postgresql", "postgresql-contrib", "wrk"}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %v: %w", args, err)
		}
	}
	return nil
}

// cluster is a PostgreSQL of our own: in a temporary directory, on a socket in it, without a port. One goroutine.
type cluster struct {
	bin, dir string
	user     *syscall.Credential // nil: our own
	server   *exec.Cmd
	ended    chan error
	log      *os.File
}

const (
	socketPort = "5432" // names the socket's file, nothing listens
	// startPatience for a server that starts or stops on a busy machine; a stop writes what is dirty: 4 GB at worst.
	startPatience = 2 * time.Minute
)

// settings are peers.md's, and what a tuned server of this load would have besides: nothing that weakens durability.
func settings(sharedBuffers string) []string {
	return []string{
		"listen_addresses=", "max_connections=100",
		"fsync=on", "synchronous_commit=on", "full_page_writes=on", "wal_sync_method=fdatasync",
		"shared_buffers=" + sharedBuffers, "wal_buffers=64MB", "wal_compression=lz4", "max_wal_size=32GB", "min_wal_size=2GB", "wal_level=minimal", "max_wal_senders=0",
		"checkpoint_timeout=1h", // none while a run is measured
		"jit=off", "random_page_cost=1.1", "update_process_title=off", "autovacuum=on",
	}
}

// startCluster makes and starts a cluster below parent. PostgreSQL refuses to run as root, so root runs it as postgres, or nobody.
func startCluster(ctx context.Context, bin, parent, sharedBuffers string) (*cluster, error) {
	c := &cluster{bin: bin}
	var err error
	if c.user, err = serverUser(); err != nil {
		return nil, err
	}
	if c.dir, err = os.MkdirTemp(parent, "gongji-pg-"); err != nil {
		return nil, err
	}
	if c.user != nil {
		err = os.Chown(c.dir, int(c.user.Uid), int(c.user.Gid))
	}
	if err == nil {
		err = c.start(ctx, sharedBuffers)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("postgres: %w", err), c.stop())
	}
	return c, nil
}

func serverUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
			gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
		}
	}
	return nil, errors.New("postgres does not run as root, and there is neither a user postgres nor nobody")
}

// command runs one of PostgreSQL's programs as the server's user, who alone may use the socket.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=" + c.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.user, Setpgid: true} // an interrupt is ours to pass on
	return cmd
}

func (c *cluster) start(ctx context.Context, sharedBuffers string) (err error) {
	data := filepath.Join(c.dir, "data")
	if out, err := c.command(ctx, "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	args := []string{"-D", data, "-k", c.dir, "-p", socketPort}
	for _, s := range settings(sharedBuffers) {
		args = append(args, "-c", s)
	}
	if c.log, err = os.Create(filepath.Join(c.dir, "log")); err != nil {
		return err
	}
	server := c.command(context.WithoutCancel(ctx), "postgres", args...) // stopped in order by stop
	server.Stdout, server.Stderr = c.log, c.log
	if err := server.Start(); err != nil {
		return err
	}
	c.server, c.ended = server, make(chan error, 1)
	go func() { c.ended <- server.Wait() }()
	for end := time.Now().Add(startPatience); ; {
		if _, err := c.query(ctx, "SELECT 1"); err == nil {
			return nil
		}
		select {
		case err := <-c.ended:
			c.server = nil
			text, _ := os.ReadFile(c.log.Name())
			return fmt.Errorf("ended: %w\n%s", err, text)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("does not answer after %s", startPatience)
		}
	}
}

// stop ends the server and removes the cluster. Nothing of it is wanted any more, so it is an immediate shutdown.
func (c *cluster) stop() error {
	var err error
	if c.server != nil {
		err = c.server.Process.Signal(syscall.SIGQUIT)
		select {
		case <-c.ended:
		case <-time.After(startPatience):
			err = errors.Join(err, c.server.Process.Kill())
			<-c.ended
		}
		c.server = nil
	}
	if c.log != nil {
		c.log.Close()
	}
	return errors.Join(err, os.RemoveAll(c.dir))
}

// psql runs SQL and gives its output: fields with | between them, a row a line.
func (c *cluster) psql(ctx context.Context, in io.Reader, args ...string) (string, error) {
	cmd := c.command(ctx, "psql", append([]string{"-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", c.dir, "-p", socketPort, "-U", "postgres"}, args...)...)
	var out, complaints strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("psql: %w\n%s", err, complaints.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (c *cluster) query(ctx context.Context, sql string) (string, error) {
	return c.psql(ctx, nil, "-c", sql)
}

// copy fills a table from what write makes.
func (c *cluster) copy(ctx context.Context, table string, write func(io.Writer) error) error {
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.CloseWithError(write(w))
	}()
	_, err := c.psql(ctx, r, "-c", "COPY "+table+" FROM STDIN")
	r.Close() // psql may have ended first
	<-written
	return err
}

// load makes the schema and fills it with the world.
func (c *cluster) load(ctx context.Context, w *World) error {
	for _, name := range setupFiles {
		text, err := statements(name)
		if err == nil {
			_, err = c.psql(ctx, strings.NewReader(text))
		}
		if err != nil {
			return fmt.Errorf("%s.sql: %w", name, err)
		}
	}
	if err := c.copy(ctx, "accounts", w.WriteAccountsCopy); err != nil {
		return err
	}
	if err := c.copy(ctx, "authorizations", w.WriteAuthorizationsCopy); err != nil {
		return err
	}
	_, err := c.psql(ctx, strings.NewReader("VACUUM (ANALYZE) accounts; VACUUM (ANALYZE) authorizations; CHECKPOINT;"))
	return err
}

// cpuSeconds of the server and of all its processes that have ended. Those of a run have, once its clients are gone, so it waits for that.
func (c *cluster) cpuSeconds(ctx context.Context) (float64, error) {
	for {
		others, err := c.query(ctx, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
		if err != nil {
			return 0, err
		}
		if others == "0" {
			return processSeconds(c.server.Process.Pid)
		}
	}
}

// processSeconds is the processor time of a process and of its children that it has waited for, from /proc.
func processSeconds(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	ticks := int64(0)
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	const ticksASecond = 100 // USER_HZ, the same on every Linux that Go runs on
	return float64(ticks) / ticksASecond, nil
}
