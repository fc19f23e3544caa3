package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

// intake is one kind of line from one source.
type intake struct {
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
	telling     sync.Mutex
	notes       io.Writer // told about interruptions
	awaySince   time.Time // zero: it is not
}

func newImporter(c *client, connections int, patience time.Duration, notes io.Writer) *importer {
	return &importer{client: c, connections: max(1, min(connections, clientConnections)), patience: patience, notes: notes}
}

// tally counts the lines of a load by outcome.
type tally struct {
	what    string
	lines   int64
	by      map[string]int64
	refused []refusedLine // the first ones, for whoever has to mend the file
	elapsed time.Duration
}

// refusedLine is one refused line: its number in the source (in a part, from 1, until the part is counted) and why. Never its content.
type refusedLine struct {
	Line  int    `json:"line"`
	Code  string `json:"code"`
	Field string `json:"field"`
}

// refusedLinesMax are kept of each load.
const refusedLinesMax = 10

// counted is what came of the lines of one part.
type counted struct {
	by      map[string]int64
	refused []refusedLine
}

// add counts an outcome of a line.
func (c *counted) add(l refusedLine) {
	if c.by == nil {
		c.by = map[string]int64{}
	}
	c.by[l.Code]++
	if !have[l.Code] && !rules[l.Code] && len(c.refused) < refusedLinesMax {
		c.refused = append(c.refused, l)
	}
}

// take adds the lines of a part to the tally.
func (t *tally) take(p *part, c *counted) {
	t.lines += int64(p.lines)
	for outcome, n := range c.by {
		t.by[outcome] += n
	}
	for _, l := range c.refused {
		l.Line += p.first - 1
		t.refused = append(t.refused, l)
	}
	slices.SortFunc(t.refused, func(a, b refusedLine) int { return a.Line - b.Line })
	t.refused = t.refused[:min(len(t.refused), refusedLinesMax)]
}

// have are the outcomes that say "the ledger has this already": a second import meets them everywhere.
var have = map[string]bool{"accepted": true, "repeated": true, "person_exists": true, "institution_exists": true, "duplicate_binding": true,
	"already_credited": true, "run_exists": true}

// rules are refusals that a generated or real population brings along: the rule of the region, not a fault of the lines.
var rules = map[string]bool{"category_not_allowed": true, "evoucher_not_active": true, "user_not_normal": true, "authorizer_not_eligible": true, "too_many_authorizers": true,
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
	for _, l := range t.refused {
		fmt.Fprintf(w, "   line %d refused: %s", l.Line, l.Code)
		if l.Field != "" {
			fmt.Fprintf(w, ", field %s", l.Field)
		}
		fmt.Fprintln(w)
	}
}

// run sends one load. The tally holds what was answered, also when the load was cut short.
func (im *importer) run(ctx context.Context, l intake) (*tally, error) {
	start := time.Now()
	t := &tally{what: l.what, by: map[string]int64{}}
	bar := newProgress(l.source.total, l.what, l.source.bytes)
	var mu sync.Mutex
	count := func(p part, c counted) {
		mu.Lock()
		defer mu.Unlock()
		t.take(&p, &c)
		bar.add(p.size)
	}
	err := im.send(ctx, l, count)
	bar.done()
	t.elapsed = time.Since(start)
	return t, err
}

func (im *importer) send(ctx context.Context, l intake, count func(part, counted)) error {
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
		c, err := im.part(ctx, path(&p), media, &p)
		if err == nil {
			count(p, c)
		}
		return err
	})
}

// creditRun opens a run, sends its lines and closes it; every step may be repeated.
func (im *importer) creditRun(ctx context.Context, l intake, count func(part, counted)) error {
	run := l.run
	if err := run.total(l.source); err != nil {
		return err
	}
	if err := im.step(ctx, "/v1/credit-runs", run, "run_exists"); err != nil {
		return fmt.Errorf("open run %s: %w", run.ID, err)
	}
	path := "/v1/credit-runs/" + run.ID + "/lines"
	err := l.source.each(ctx, bulkPartLines, bulkPartBytes, im.connections, func(ctx context.Context, p part) error {
		c, err := im.part(ctx, path, mediaNDJSON, &p)
		if err == nil {
			count(p, c)
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
	body, err := json.Marshal(in)
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
func (im *importer) part(ctx context.Context, path, media string, p *part) (c counted, err error) {
	a, err := im.again(ctx, path, media, p.body)
	if err != nil {
		return c, err
	}
	problem := a.problem()
	switch {
	case media == mediaJSON && !a.ok() && problem.Outcome != 0:
		c.add(refusedLine{Line: 1, Code: problem.Code, Field: problem.Field})
		return c, nil
	case !a.ok():
		return c, fmt.Errorf("line %d: %w", p.first, problem)
	case a.replayed:
		c.add(refusedLine{Code: "repeated"})
		return c, nil
	case media == mediaJSON:
		c.add(refusedLine{Code: "accepted"})
		return c, nil
	case strings.HasPrefix(path, "/v1/bindings/"):
		return verdicts(a.body, p.lines)
	}
	return summary(a.body, p.lines)
}

// errAnswer says that an answer does not speak of the lines that were sent.
var errAnswer = errors.New("the answer does not fit the lines sent")

// verdicts counts the answer of a …/batch call: one object a line, in order.
func verdicts(body []byte, lines int) (c counted, err error) {
	n := 0
	for d := json.NewDecoder(bytes.NewReader(body)); ; n++ {
		var v struct {
			refusedLine
			Replayed bool `json:"replayed"`
		}
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return c, fmt.Errorf("%w: %w", errAnswer, err)
		}
		switch {
		case v.Replayed:
			v.Code = "repeated"
		case v.Code == "":
			v.Code = "accepted"
		}
		c.add(v.refusedLine)
	}
	if n != lines {
		return c, fmt.Errorf("%w: %d lines, %d verdicts", errAnswer, lines, n)
	}
	return c, nil
}

// summary counts the answer of a streamed load, which lists its first refusals only.
func summary(body []byte, lines int) (c counted, err error) {
	var s struct {
		Lines    int64         `json:"lines"`
		Accepted int64         `json:"accepted"`
		Repeated int64         `json:"repeated"`
		Refused  int64         `json:"refused"`
		First    []refusedLine `json:"first_refusals"`
	}
	if err := json.Unmarshal(body, &s); err != nil || s.Lines != int64(lines) || s.Accepted+s.Repeated+s.Refused != s.Lines {
		return c, fmt.Errorf("%w: %d lines, answer %.200q", errAnswer, lines, body)
	}
	c.by = map[string]int64{"accepted": s.Accepted, "repeated": s.Repeated}
	for _, l := range s.First {
		c.add(l)
	}
	c.by["refused, not itemised"] = s.Refused - int64(len(s.First))
	maps.DeleteFunc(c.by, func(_ string, n int64) bool { return n == 0 })
	return c, nil
}

// again is sendAgain that tells when the server goes away and when it is back, once for all connections.
func (im *importer) again(ctx context.Context, path, media string, body []byte) (*answer, error) {
	mine := false
	a, err := im.client.sendAgain(ctx, http.MethodPost, path, media, body, im.patience, func(cause string, _ time.Duration) {
		mine = true
		im.telling.Lock()
		defer im.telling.Unlock()
		if im.awaySince.IsZero() {
			im.awaySince = time.Now()
			fmt.Fprintf(im.notes, "\n%s: trying again; what has arrived is not done twice\n", cause)
		}
	})
	if mine && err == nil {
		im.telling.Lock()
		defer im.telling.Unlock()
		if !im.awaySince.IsZero() {
			fmt.Fprintf(im.notes, "\ngoes on after %.1f s\n", time.Since(im.awaySince).Seconds())
			im.awaySince = time.Time{}
		}
	}
	return a, err
}
