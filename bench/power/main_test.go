package power

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"gongji/bench/proof"
)

// insideVariable tells the test binary that it has its own table of mounts.
const insideVariable = "GONGJI_POWER_INSIDE"

// TestMain runs the client if it is one. When proof runs are asked for and the machine lets us, it runs everything once more as a child
// with a mount table of its own: whatever way that child ends, its mounts end with it, and with them their loop devices.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(clientVariable) != "":
		clientMain()
	case proof.Asked() && os.Geteuid() == 0 && os.Getenv(insideVariable) == "":
		os.Exit(inside())
	default:
		goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
			os.RemoveAll(scratch)
			os.Exit(code)
		}))
	}
}

func inside() int {
	c := exec.Command(os.Args[0], os.Args[1:]...)
	c.Env = append(os.Environ(), insideVariable+"=1")
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil && c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "power: no mount table of our own:", err)
		return 1
	}
	return c.ProcessState.ExitCode()
}
