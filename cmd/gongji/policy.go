package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"gongji/engine/policy"
)

type policyCmd struct {
	Check    policyCheckCmd    `cmd:"" help:"Check profile files and tell all that is wrong, line by line."`
	Show     policyShowCmd     `cmd:"" help:"Show a profile as a table, each knob with its rule numbers."`
	Diff     policyDiffCmd     `cmd:"" help:"Tell knob by knob in what two profiles differ."`
	Schema   policySchemaCmd   `cmd:"" help:"Print the JSON Schema of the file format, for editors."`
	Activate policyActivateCmd `cmd:"" help:"Put a profile into a running ledger, from a day on."`
}

// Help tells what a name is, and what the process ends with.
func (policyCmd) Help() string {
	return "A profile is named by its file, or by the name of a shipped one: " + strings.Join(policy.Names, ", ") + " (with a file of that name beside it: ./" + policy.Names[0] + "). " +
		"Exit code 0: done, or no difference. 1: a profile is not good, they differ, or the ledger refused. 2: a file cannot be read, the server not be reached."
}

// Exit codes of gongji policy, those of diff(1).
const (
	exitNo      = exitError(1)
	exitTrouble = exitError(2)
)

// trouble tells what went wrong and gives the exit code for it.
func trouble(err error) error {
	fmt.Fprintln(os.Stderr, "gongji:", err)
	return exitTrouble
}

// profileOf reads a profile by the name of a shipped one or from a file. Faults of a file are written to w, with exitNo.
func profileOf(w io.Writer, name string) (*policy.Profile, error) {
	text, where := policy.ShippedText(name), name+" (shipped)"
	if !slices.Contains(policy.Names, name) {
		where = name
		f, err := os.Open(name)
		if err != nil {
			return nil, trouble(err)
		}
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, policy.FileMax+1)); err != nil {
			return nil, trouble(err)
		}
	}
	p, err := policy.Parse(where, text)
	if err != nil {
		fmt.Fprintln(w, err)
		return nil, exitNo
	}
	return p, nil
}

type policyCheckCmd struct {
	Files []string `arg:"" help:"Profile files." name:"file"`
}

// Run checks all files, also behind a bad one.
func (c *policyCheckCmd) Run() error { return c.run(os.Stdout) }

func (c *policyCheckCmd) run(w io.Writer) error {
	var worst error
	for _, name := range c.Files {
		p, err := profileOf(w, name)
		switch {
		case err == nil:
			fmt.Fprintf(w, "%s: good: %s version %d, from %s, SHA-256 %x\n", name, p.Name, p.Version, p.EffectiveFrom, p.Hash())
		case !errors.Is(worst, exitTrouble):
			worst = err
		}
	}
	return worst
}

type policyShowCmd struct {
	Profile string `arg:"" help:"Name of a shipped profile, or a file."`
}

// Run shows a profile.
func (c *policyShowCmd) Run() error { return c.run(os.Stdout) }

func (c *policyShowCmd) run(w io.Writer) error {
	p, err := profileOf(w, c.Profile)
	if err != nil {
		return err
	}
	return p.Show(w)
}

type policyDiffCmd struct {
	From string `arg:"" help:"Name of a shipped profile, or a file."`
	To   string `arg:"" help:"Name of a shipped profile, or a file."`
}

// Run compares two profiles.
func (c *policyDiffCmd) Run() error { return c.run(os.Stdout) }

func (c *policyDiffCmd) run(w io.Writer) error {
	from, err1 := profileOf(w, c.From)
	to, err2 := profileOf(w, c.To)
	switch {
	case errors.Is(err1, exitTrouble) || errors.Is(err2, exitTrouble): // worse than a bad file: nothing can be said
		return exitTrouble
	case err1 != nil || err2 != nil:
		return exitNo
	}
	changes := policy.Diff(from, to)
	if len(changes) == 0 {
		return nil
	}
	if err := policy.ShowDiff(w, changes); err != nil {
		return err
	}
	return exitNo
}

type policySchemaCmd struct{}

// Run prints the schema.
func (policySchemaCmd) Run() error {
	_, err := os.Stdout.Write(policy.Schema)
	return err
}

type policyActivateCmd struct {
	Profile string `arg:"" help:"Name of a shipped profile, or a file." name:"file"`
	At      string `help:"Day from which it holds, or now. Default: the day that the file names." placeholder:"DATE"`
	Server  string `help:"Admin address of the server." default:"http://127.0.0.1:8701"`
}

// activated is an activated policy, as the server tells it.
type activated struct {
	Number        int    `json:"number"`
	Name          string `json:"name"`
	Version       int64  `json:"version"`
	EffectiveFrom string `json:"effective_from"`
	SHA256        string `json:"sha256"`
	Sequence      uint64 `json:"sequence"`
}

// Run checks the profile, sends it and tells from when it holds.
func (c *policyActivateCmd) Run() error { return c.run(os.Stdout) }

func (c *policyActivateCmd) run(w io.Writer) error {
	p, err := profileOf(w, c.Profile)
	if err != nil {
		return err
	}
	client := newClient(c.Server)
	defer client.close()
	path := "/v1/policies"
	if c.At != "" {
		path += "?at=" + url.QueryEscape(c.At)
	}
	a, err := client.send(context.Background(), http.MethodPost, path, mediaTOML, p.Canonical())
	if err != nil {
		return trouble(fmt.Errorf("%w; whether it was activated is not known: run the same again, a version is taken only once", err))
	}
	if !a.ok() {
		return c.refused(w, client, p, a.problem())
	}
	var done activated
	if err := json.Unmarshal(a.body, &done); err != nil {
		return trouble(fmt.Errorf("answer of the server: %w", err))
	}
	fmt.Fprintf(w, "activated: %s version %d holds from %s (policy %d, batch %d, SHA-256 %s)\n", done.Name, done.Version, done.EffectiveFrom, done.Number, done.Sequence, done.SHA256)
	return nil
}

const mediaTOML = "application/toml"

// refused tells why a profile was not activated, and what to do.
func (c *policyActivateCmd) refused(w io.Writer, client *client, p *policy.Profile, why *problem) error {
	if why.Status >= 500 {
		return trouble(fmt.Errorf("%w; run the same again, a version is taken only once", why))
	}
	switch why.Code {
	case "policy_version":
		have, err := findPolicy(client, p)
		if err != nil {
			return trouble(err)
		}
		if have != nil {
			fmt.Fprintf(w, "not activated: this very text is in the ledger, from %s (policy %d)\n", have.EffectiveFrom, have.Number)
			return exitNo
		}
		fmt.Fprintf(w, "not activated: the ledger has %s in version %d or a later one; a change is a new version\n", p.Name, p.Version)
	case "policy_in_past":
		fmt.Fprintf(w, "not activated: that day has begun; name a later one with --at, or --at now\n")
	case "before_effective_from":
		fmt.Fprintf(w, "not activated: the text holds from %s, not earlier\n", p.EffectiveFrom)
	default:
		fmt.Fprintf(w, "not activated: %v\n", why)
	}
	return exitNo
}

// findPolicy looks for this very text among the ledger's policies; nil: it is not there.
func findPolicy(client *client, p *policy.Profile) (*activated, error) {
	want := fmt.Sprintf("%x", p.Hash())
	for cursor := "0"; cursor != ""; {
		var page struct {
			Policies []activated `json:"policies"`
			Cursor   string      `json:"cursor"`
		}
		if err := client.get("/v1/policies?cursor="+cursor, &page); err != nil {
			return nil, err
		}
		for i := range page.Policies {
			if page.Policies[i].SHA256 == want {
				return &page.Policies[i], nil
			}
		}
		cursor = page.Cursor
	}
	return nil, nil
}
