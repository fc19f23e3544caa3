package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A loadKind says through which call lines go.
type loadKind uint8

const (
	loadInstitutions loadKind = iota
	loadPersons
	loadBindings
	loadCredits
)

var loadNames = [...]string{loadInstitutions: "institutions", loadPersons: "persons", loadBindings: "bindings", loadCredits: "credits"}

func (k loadKind) String() string { return loadNames[k] }

// load is one kind of line from one source.
type load struct {
	what   string
	kind   loadKind
	source source
	run    creditRun
}

// importer sends loads to an admin listener.
type importer struct {
	client      *client
	connections int
	patience    time.Duration
	notes       io.Writer // told about interruptions
	sleepSaid   sync.Mutex
}

func newImporter(c *client, connections int, patience time.Duration, notes io.Writer) *importer {
	return &importer{client: c, connections: max(1, min(connections, clientConnections)), patience: patience, notes: notes}
}

// tally counts the lines of a load by outcome.
type tally struct {
	what    string
	lines   int64
	by      map[string]int64
	elapsed time.Duration
	notes   []string
}

// have are the outcomes that say "the ledger has this already": a second import meets them everywhere.
var have = map[string]bool{"accepted": true, "repeated": true, "person_exists": true, "institution_exists": true, "duplicate_binding": true,
	"already_credited": true, "run_exists": true}

// rules are refusals that a generated or real population brings along: the rule of the region, not a fault of the lines.
var rules = map[string]bool{"evoucher_not_active": true, "user_not_normal": true, "authorizer_not_eligible": true, "too_many_authorizers": true,
	"relation_not_allowed": true}

func (t *tally) refusedLines() int {
	n := int64(0)
	for outcome, lines := range t.by {
		if !have[outcome] && !rules[outcome] {
			n += lines
		}
	}
	return int(n)
}

func (t *tally) print(w io.Writer) {
	var b strings.Builder
	for _, outcome := range slices.Sorted(maps.Keys(t.by)) {
		fmt.Fprintf(&b, "  %s %d", outcome, t.by[outcome])
	}
	seconds := max(t.elapsed.Seconds(), 0.001)
	fmt.Fprintf(w, "%-17s %9d lines in %6.2f s, %8.0f a second:%s\n", t.what, t.lines, t.elapsed.Seconds(), float64(t.lines)/seconds, b.String())
	for _, n := range t.notes {
		fmt.Fprintln(w, "  ", n)
	}
}

// run sends one load. The tally holds what was answered, also when the load was cut short.
func (im *importer) run(ctx context.Context, l load) (*tally, error) {
	start := time.Now()
	t := &tally{what: l.what, by: map[string]int64{}}
	bar := newProgress(l.source.total, l.what, l.source.bytes)
	var mu sync.Mutex
	count := func(p part, by map[string]int64) {
		mu.Lock()
		defer mu.Unlock()
		for outcome, n := range by {
			t.by[outcome] += n
		}
		t.lines += int64(p.lines)
		bar.add(p.size)
	}
	err := im.send(ctx, l, count)
	bar.done()
	t.elapsed = time.Since(start)
	return t, err
}

func (im *importer) send(ctx context.Context, l load, count func(part, map[string]int64)) error {
	lines, limit, goroutines := bulkPartLines, bulkPartBytes, im.connections
	var path func(p *part) string
	media := mediaNDJSON
	switch l.kind {
	case loadInstitutions:
		lines, media = 1, mediaJSON
		path = func(*part) string { return "/v1/institutions" }
	case loadPersons:
		path = func(p *part) string { return "/v1/persons?file=p" + p.digest() }
	case loadBindings:
		lines, limit = batchPartLines, batchPartBytes
		path = func(*part) string { return "/v1/bindings/batch" }
	case loadCredits:
		return im.creditRun(ctx, l, count)
	}
	return l.source.each(ctx, lines, limit, goroutines, func(ctx context.Context, p part) error {
		by, err := im.part(ctx, path(&p), media, &p)
		if err == nil {
			count(p, by)
		}
		return err
	})
}

// creditRun opens a run, sends its lines and closes it; every step may be repeated.
func (im *importer) creditRun(ctx context.Context, l load, count func(part, map[string]int64)) error {
	run := l.run
	if err := announce(l.source, &run); err != nil {
		return err
	}
	if err := im.step(ctx, "/v1/credit-runs", run, "run_exists"); err != nil {
		return fmt.Errorf("open run %s: %w", run.ID, err)
	}
	path := "/v1/credit-runs/" + run.ID + "/lines"
	err := l.source.each(ctx, bulkPartLines, bulkPartBytes, im.connections, func(ctx context.Context, p part) error {
		by, err := im.part(ctx, path, mediaNDJSON, &p)
		if err == nil {
			count(p, by)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := im.step(ctx, "/v1/credit-runs/"+run.ID+"/close", struct{}{}, "run_closed"); err != nil {
		return fmt.Errorf("close run %s (%d credits, %s yuan announced): %w", run.ID, run.Count, run.Amount, err)
	}
	return nil
}

// step is a JSON call of which the refusal named done says that it happened before.
func (im *importer) step(ctx context.Context, path string, in any, done string) error {
	body, err := marshal(in)
	if err != nil {
		return err
	}
	a, err := im.again(ctx, path, mediaJSON, body)
	if err != nil {
		return err
	}
	if p := a.problem(); !a.ok() && p.Code != done {
		return p
	}
	return nil
}

// part sends one part until it is answered and counts its outcomes.
func (im *importer) part(ctx context.Context, path, media string, p *part) (map[string]int64, error) {
	a, err := im.again(ctx, path, media, p.body)
	if err != nil {
		return nil, err
	}
	if media == mediaNDJSON {
		if !a.ok() {
			return nil, a.problem()
		}
		return outcomes(a.body, p.lines)
	}
	switch {
	case a.replayed:
		return map[string]int64{"repeated": 1}, nil
	case a.ok():
		return map[string]int64{"accepted": 1}, nil
	}
	if problem := a.problem(); problem.Outcome != 0 {
		return map[string]int64{problem.Code: 1}, nil
	} else {
		return nil, fmt.Errorf("%w (line %.120q)", problem, bytes.TrimSpace(p.body))
	}
}

// again is sendAgain that tells about interruptions.
func (im *importer) again(ctx context.Context, path, media string, body []byte) (*answer, error) {
	return im.client.sendAgain(ctx, http.MethodPost, path, media, body, im.patience, func(cause string, wait time.Duration) {
		im.sleepSaid.Lock()
		defer im.sleepSaid.Unlock()
		fmt.Fprintf(im.notes, "\n%s: sending this part again in %s; what has arrived is not done twice\n", cause, wait)
	})
}
