package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

const (
	envPrefix       = "GONGJI_"
	settingsFileMax = 64 << 10 // bytes
)

// withSettings puts the values of the settings file and of the environment behind the command's name as flags, before those the user
// typed: kong takes the last of two, so defaults < file < environment < flags. (Kong's own resolver would let the file beat the
// environment.)
func withSettings(args []string, env func(string) (string, bool), read func(string) ([]byte, error)) ([]string, error) {
	at, command := commandIn(args)
	if at < 0 {
		return args, nil
	}
	flags, all := flagNames(command)
	file, err := settingsFile(args, env, read)
	if err != nil {
		return nil, err
	}
	for name := range file {
		if !all[name] {
			return nil, fmt.Errorf("settings file: there is no setting %q", name)
		}
	}
	out := append([]string(nil), args[:at+1]...)
	for _, f := range flags {
		if v, ok := file[f]; ok {
			out = append(out, "--"+f+"="+v)
		}
		if v, ok := env(envPrefix + strings.ToUpper(strings.ReplaceAll(f, "-", "_"))); ok {
			out = append(out, "--"+f+"="+v)
		}
	}
	return append(out, args[at+1:]...), nil
}

// commandIn finds the command word among the arguments.
func commandIn(args []string) (int, string) {
	known := map[string]bool{}
	t := reflect.TypeFor[cli]()
	for i := range t.NumField() {
		if _, ok := t.Field(i).Tag.Lookup("cmd"); ok {
			known[strings.ToLower(t.Field(i).Name)] = true
		}
	}
	for i, a := range args {
		if known[a] {
			return i, a
		}
	}
	return -1, ""
}

// flagNames gives the flags of a command in order, and those of all commands.
func flagNames(command string) (own []string, all map[string]bool) {
	all = map[string]bool{}
	parser := kong.Must(&cli{}, kong.Exit(func(int) {}), kong.Writers(os.Stderr, os.Stderr))
	for _, n := range parser.Model.Children {
		for _, f := range n.Flags {
			all[f.Name] = true
			if n.Name == command {
				own = append(own, f.Name)
			}
		}
	}
	return own, all
}

func settingsFile(args []string, env func(string) (string, bool), read func(string) ([]byte, error)) (map[string]string, error) {
	path, _ := env(envPrefix + "CONFIG")
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			path = v
		} else if a == "--config" && i+1 < len(args) {
			path = args[i+1]
		}
	}
	if path == "" {
		return nil, nil
	}
	text, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	if len(text) > settingsFileMax {
		return nil, fmt.Errorf("settings file: %d bytes, at most %d", len(text), settingsFileMax)
	}
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	out := map[string]string{}
	for name, v := range values {
		switch v.(type) {
		case string, int64, bool, float64:
			out[name] = fmt.Sprint(v)
		default:
			return nil, fmt.Errorf("settings file: %s is not a plain value", name)
		}
	}
	return out, nil
}
