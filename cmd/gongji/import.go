package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gongji/bench/province"
)

type importCmd struct {
	Server       string        `help:"Admin address of the server." default:"http://127.0.0.1:8701"`
	Persons      string        `help:"NDJSON of POST /v1/persons." placeholder:"FILE" type:"existingfile"`
	Institutions string        `help:"NDJSON of POST /v1/institutions." placeholder:"FILE" type:"existingfile"`
	Bindings     string        `help:"NDJSON of POST /v1/bindings." placeholder:"FILE" type:"existingfile"`
	Credits      string        `help:"NDJSON of a credit run: msgid, psn_no, amount." placeholder:"FILE" type:"existingfile"`
	RunID        string        `help:"Credit run: its id." placeholder:"ID"`
	Source       string        `help:"Credit run: where the money comes from." default:"contribution"`
	Period       string        `help:"Credit run: month, as 202511; at most one credit a person, source and period." placeholder:"YYYYMM"`
	Province     uint64        `help:"Generate the demo province of this seed instead of reading files." placeholder:"SEED"`
	Count        int           `help:"Persons of the generated province." default:"100000"`
	Connections  int           `help:"Connections at once." default:"4"`
	Patience     time.Duration `help:"How long to go on trying while the server is away." default:"2m"`
}

// Help tells what a second run does.
func (importCmd) Help() string {
	return "Sending the same lines again is harmless: what the ledger has is counted as repeated, so an import that was cut is resumed by running it again. " +
		"Persons and credit runs go in parts of whole lines through the streamed calls, bindings through /v1/bindings/batch, institutions one by one. " +
		"Exit code 1 if a line was refused that the ledger did not have already, other than by a rule of the region (no e-voucher, no normal enrolment ...). " +
		"Of a part of 16,384 lines the server names the first 100 refusals."
}

// Run imports what was named, in the order in which one needs the other.
func (c *importCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	loads, err := c.loads()
	if err != nil {
		return err
	}
	im := newImporter(newClient(c.Server), c.Connections, c.Patience, os.Stderr)
	defer im.client.close()
	refused := 0
	for _, l := range loads {
		n, err := im.run(ctx, l)
		n.print(os.Stdout)
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		refused += n.refusedLines()
	}
	if refused > 0 {
		fmt.Printf("%d lines were refused\n", refused)
		return exitError(1)
	}
	return nil
}

// loads are what the flags ask for.
func (c *importCmd) loads() ([]intake, error) {
	var out []intake
	if c.Province != 0 {
		if c.Persons+c.Institutions+c.Bindings+c.Credits != "" {
			return nil, errors.New("--province makes everything itself: no files beside it")
		}
		if c.Count < 1 || c.Count > province.MaxPersons {
			return nil, fmt.Errorf("--count %d, must be 1 to %d", c.Count, province.MaxPersons)
		}
		return provinceLoads(province.New(c.Province, c.Count), c.Province), nil
	}
	for _, f := range []struct {
		kind loadKind
		path string
	}{{loadInstitutions, c.Institutions}, {loadPersons, c.Persons}, {loadBindings, c.Bindings}, {loadCredits, c.Credits}} {
		if f.path == "" {
			continue
		}
		s, err := fileSource(f.path)
		if err != nil {
			return nil, err
		}
		out = append(out, intake{what: f.kind.String(), kind: f.kind, source: s, run: creditRun{ID: c.RunID, Source: c.Source, Period: c.Period}})
	}
	if len(out) == 0 {
		return nil, errors.New("nothing to import: name a file or --province")
	}
	if c.Credits != "" && (c.RunID == "" || c.Period == "") {
		return nil, errors.New("--credits needs --run-id and --period")
	}
	return out, nil
}

func fileSource(path string) (source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return source{}, err
	}
	return source{total: info.Size(), bytes: true, open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// provinceLoads are a generated province: institutions, persons, bindings, opening balances as a credit run.
func provinceLoads(p *province.Province, seed uint64) []intake {
	persons, institutions, bindings, credits := provinceSources(p)
	return []intake{
		{what: "institutions", kind: loadInstitutions, source: institutions},
		{what: "persons", kind: loadPersons, source: persons},
		{what: "bindings", kind: loadBindings, source: bindings},
		{what: "opening balances", kind: loadCredits, source: credits, run: creditRun{ID: fmt.Sprintf("opening-%d-%d", seed, p.Persons()), Source: sourceOpening, Period: periodOpening}},
	}
}

// creditRun is the body of POST /v1/credit-runs.
type creditRun struct {
	ID     string `json:"run_id"`
	Source string `json:"source"`
	Period string `json:"period"`
	Count  int64  `json:"count"`
	Amount fen    `json:"amount"`
}

const (
	sourceOpening = "opening"
	periodOpening = "202501" // the month of province.RefDay
)

// total counts a run's lines and sums them: the ledger refuses to close a run that differs (R26).
func (r *creditRun) total(s source) error {
	in, err := s.open()
	if err != nil {
		return err
	}
	defer in.Close()
	return cut(in, batchPartLines, bulkPartBytes, s.bytes, func(p part) error {
		for d := json.NewDecoder(bytes.NewReader(p.body)); ; {
			var line struct{ Amount fen }
			if err := d.Decode(&line); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("%w: credit %d: %w", errLine, r.Count+1, err)
			}
			r.Count++
			r.Amount += line.Amount
		}
	})
}
