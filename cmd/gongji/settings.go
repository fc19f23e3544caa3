package main

import (
	"fmt"
	"os"
	"slices"
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
	commands := kong.Must(&cli{}, kong.Exit(func(int) {}), kong.Writers(os.Stderr, os.Stderr)).Model.Children // hidden ones too
	at := slices.IndexFunc(args, func(a string) bool { return named(commands, a) != nil })
	if at < 0 {
		return args, nil
	}
	flags, all := flagNames(commands, args[at])
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

// named is the command of a name, nil if there is none.
func named(commands []*kong.Node, name string) *kong.Node {
	for _, n := range commands {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// flagNames gives the flags of a command in order, and those of all commands.
func flagNames(commands []*kong.Node, command string) (own []string, all map[string]bool) {
	all = map[string]bool{}
	for _, n := range commands {
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
