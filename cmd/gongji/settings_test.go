package main

import (
	"os"
	"slices"
	"testing"
)

// TestPrecedence: defaults < file < environment < flags.
func TestPrecedence(t *testing.T) {
	f := func(args []string, env map[string]string, file string, want ...string) {
		t.Helper()
		got, err := withSettings(args, func(k string) (string, bool) { v, ok := env[k]; return v, ok },
			func(string) ([]byte, error) {
				if file == "" {
					return nil, os.ErrNotExist
				}
				return []byte(file), nil
			})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f([]string{"serve"}, nil, "", "serve")
	f([]string{"--config=x", "serve"}, nil, "dir = 'a'", "--config=x", "serve", "--dir=a")
	f([]string{"--config", "x", "serve", "--dir=c"}, map[string]string{"GONGJI_DIR": "b"}, "dir = 'a'",
		"--config", "x", "serve", "--dir=a", "--dir=b", "--dir=c")
	f([]string{"till-load", "--tills=3"}, map[string]string{"GONGJI_BOOK": "b", "GONGJI_TILLS": "2"}, "", "till-load", "--book=b", "--tills=2", "--tills=3")
	f([]string{"--config=x", "till-load"}, nil, "rate = 7", "--config=x", "till-load", "--rate=7")
	f([]string{"version"}, map[string]string{"GONGJI_DIR": "b"}, "", "version")
	if _, err := withSettings([]string{"--config=x", "serve"}, func(string) (string, bool) { return "", false },
		func(string) ([]byte, error) { return []byte("drum = 1"), nil }); err == nil {
		t.Error("an unknown setting was taken")
	}
}
