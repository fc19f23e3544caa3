package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDemoSignal: a real demo that is interrupted, while it loads and while it plays, ends with an error and leaves no directory behind.
func TestDemoSignal(t *testing.T) {
	for _, at := range []string{"== The province", "answered: "} {
		t.Run(at, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), serveArgs+"=demo", "TMPDIR="+dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			told, ended := false, false
			for in := bufio.NewScanner(out); in.Scan(); {
				if !told && strings.Contains(in.Text(), at) {
					told = true
					if houses := housesIn(t, dir); houses != 1 {
						t.Errorf("%d directories while it plays, want 1", houses)
					}
					if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
						t.Fatal(err)
					}
				}
				ended = ended || strings.Contains(in.Text(), "Every figure is as it must be")
			}
			exit := (*exec.ExitError)(nil)
			if err := cmd.Wait(); !told || ended || !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("interrupted %t, came to its end %t, %v", told, ended, err)
			}
			if houses := housesIn(t, dir); houses != 0 {
				t.Errorf("%d directories left behind", houses)
			}
		})
	}
}

func housesIn(t *testing.T, dir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "gongji-demo-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}
