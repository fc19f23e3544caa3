package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"gongji/bench/result"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what the template shows. Every group may be empty.
type page struct {
	Style    template.CSS
	Report   *result.Report
	Made     string
	Machine  string
	Breaches []string
	Tiles    []tile
	Aims     []aimRow
	Met      string
	Rates    []rateGroup
	Peers    []peerRow
	Latency  []figure
	Stages   []stageCard
	Cases    []caseCard
	Facts    [][2]string
}

type tile struct{ Value, Unit, What string }

type aimRow struct {
	result.Aim
	Class, Verdict string
	Width          float64 // of the bar, %; the aim itself stands at 50
}

// rateGroup is the bars of one kind, on one scale a unit.
type rateGroup struct {
	Kind string
	Rows []rateRow
}

type rateRow struct {
	ID, Name, Load, Rate, Bounds, Unit string
	Points                             [][2]string // CPU and latencies, those measured
	Width, From, To                    float64     // %, of the longest bar of the unit in the group
	Shares                             []shareBar
	Bad                                bool
}

type shareBar struct {
	Text  string
	Width float64
}

type stageCard struct {
	figure
	Parts []stagePart // of the mean
	Mean  string
}

type stagePart struct {
	Class, Name, Value string
	Width              float64
}

type caseCard struct {
	ID, Name, Load, Note, Profile, Others string
	Mix                                   [][2]string
	Memory, Disk                          [][2]string
	Figures                               []figure
	Breaches                              []string
}

type peerRow struct {
	Name, Load, Rate, Bounds, P50, P99, CPU string
	One, Fifty                              string // times the peer's
	Peer                                    bool
}

// HTML is the report as one page that needs nothing else: no script, no font, no address outside it.
func HTML(r *result.Report) ([]byte, error) {
	p := page{Style: template.CSS(pageStyle), Report: r, Made: r.Made.Format("2 January 2006, 15:04 MST"), Machine: machine(&r.Facts), Breaches: r.Breaches(),
		Tiles: tiles(r), Rates: rateGroups(r), Peers: peerRows(r), Facts: factRows(&r.Facts)}
	met := 0
	for i := range r.Aims {
		p.Aims = append(p.Aims, rowOf(&r.Aims[i]))
		if r.Aims[i].Met {
			met++
		}
	}
	p.Met = fmt.Sprintf("%d of %d met", met, len(r.Aims))
	for _, kind := range kindsOf(r) {
		if f := latencyFigure(kindTitle(kind), ofKind(r, kind)); f != nil {
			p.Latency = append(p.Latency, *f)
		}
	}
	for i := range r.Cases {
		c := &r.Cases[i]
		if f := stageFigure(c); f != nil {
			p.Stages = append(p.Stages, stageCardOf(c, f))
		}
		if card, some := cardOf(c); some {
			p.Cases = append(p.Cases, card)
		}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, &p); err != nil {
		return nil, fmt.Errorf("make the page: %w", err)
	}
	return b.Bytes(), nil
}

// WriteHTML puts the page into a file, whole or not at all.
func WriteHTML(path string, r *result.Report) error {
	text, err := HTML(r)
	if err != nil {
		return err
	}
	return writeWhole(path, text)
}

func machine(f *result.Facts) string {
	parts := []string{f.CPU, plural(f.Cores, "core"), size(float64(f.MemoryByte)) + " memory", f.Filesystem, "one sync " + micros(f.SyncMicros)}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// tiles are the figures most readers come for.
func tiles(r *result.Report) (out []tile) {
	for _, t := range []struct{ id, what string }{{CoreNational, "in process, durable"}, {HTTP256, "over HTTP, one a request, 256 connections"}, {HTTPBatch, "over HTTP, 1,000 a request"}} {
		if c := measured(r, t.id); c != nil && c.Rate() > 0 {
			out = append(out, tile{number(c.Rate()), c.Unit, t.what})
		}
	}
	if s := judgedShare(r, HTTP256, Echo256); s > 0 {
		out = append(out, tile{percent(s), "of the echo", "what the front door leaves, 256 connections"})
	}
	if c := measured(r, HTTPHalf); c != nil && c.Median(p99) > 0 {
		out = append(out, tile{micros(c.Median(p99)), "p99", "over HTTP at half of the maximum, open loop"})
	}
	return out
}

func judgedShare(r *result.Report, id, of string) float64 {
	if c := measured(r, id); c != nil {
		return r.Share(c, of)
	}
	return 0
}

func rowOf(a *result.Aim) aimRow {
	row := aimRow{Aim: *a, Verdict: verdict(a), Class: "missed", Width: 50 * min(2, max(0, a.Ratio))}
	switch {
	case a.Met:
		row.Class = "met"
	case a.Got == notMeasured:
		row.Class, row.Width, row.Verdict = "unknown", 0, a.Reason
	}
	return row
}

// kindOrder is that of the sections.
var kindOrder = []string{result.InProcess, result.HTTP, result.NHSA, result.Ceiling, result.Peer}

// kindsOf a report, known ones first.
func kindsOf(r *result.Report) (kinds []string) {
	for _, k := range kindOrder {
		if len(ofKind(r, k)) > 0 {
			kinds = append(kinds, k)
		}
	}
	for i := range r.Cases {
		if k := r.Cases[i].Kind; !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

func ofKind(r *result.Report, kind string) (out []*result.Case) {
	for i := range r.Cases {
		if r.Cases[i].Kind == kind {
			out = append(out, &r.Cases[i])
		}
	}
	return out
}

func kindTitle(kind string) string {
	switch kind {
	case result.InProcess:
		return "In process"
	case result.HTTP:
		return "Over HTTP"
	case result.NHSA:
		return "National interface"
	case result.Ceiling:
		return "Ceilings"
	case result.Peer:
		return "Peers"
	case "":
		return "Others"
	}
	return kind
}

func rateGroups(r *result.Report) (out []rateGroup) {
	for _, kind := range kindsOf(r) {
		g := rateGroup{Kind: kindTitle(kind)}
		cases := ofKind(r, kind)
		longest := map[string]float64{} // of a unit
		for _, c := range cases {
			longest[c.Unit] = max(longest[c.Unit], spreadOf(c, rate).Max)
		}
		for _, c := range cases {
			g.Rows = append(g.Rows, rateRowOf(r, c, longest[c.Unit]))
		}
		out = append(out, g)
	}
	return out
}

func rateRowOf(r *result.Report, c *result.Case, longest float64) rateRow {
	s := spreadOf(c, rate)
	row := rateRow{ID: c.ID, Name: c.Name, Load: loadText(c), Rate: number(s.Median), Bounds: rangeOf(s), Unit: c.Unit}
	for _, p := range []struct {
		name string
		of   func(*result.Run) float64
	}{{"CPU", cpuMicros}, {"p50", p50}, {"p99", p99}, {"p99.9", p999}} {
		if text := micros(c.Median(p.of)); text != none {
			row.Points = append(row.Points, [2]string{p.name, text})
		}
	}
	if longest > 0 {
		row.Width, row.From, row.To = bounded(s.Median/longest), bounded(s.Min/longest), bounded(s.Max/longest)
	}
	for _, of := range c.Ceilings {
		if v := r.Share(c, of.ID); v > 0 {
			row.Shares = append(row.Shares, shareBar{percent(v) + " " + of.What, bounded(v)})
		}
	}
	for i := range c.Runs {
		row.Bad = row.Bad || len(c.Runs[i].Breaches) > 0
	}
	return row
}

// rangeOf is "slowest – fastest", nothing for one run.
func rangeOf(s Spread) string {
	return strings.ReplaceAll(strings.Trim(s.bounds(), "[]"), "-", " – ")
}

// bounded is a share as the width of a bar: 0 to 100, and 0 for what is no number.
func bounded(share float64) float64 {
	if !(share > 0) {
		return 0
	}
	return min(100, 100*share)
}

// peerRows put the peers and what may be compared with them side by side; none without a peer.
func peerRows(r *result.Report) (out []peerRow) {
	peers := ofKind(r, result.Peer)
	if len(peers) == 0 {
		return nil
	}
	cases := slices.Clone(peers)
	for _, id := range []string{HTTP64, HTTP256, HTTPBatch, CoreNational} {
		if c := measured(r, id); c != nil {
			cases = append(cases, c)
		}
	}
	for _, c := range cases {
		s := spreadOf(c, rate)
		row := peerRow{Name: c.Name, Load: loadText(c), Rate: number(s.Median), Bounds: rangeOf(s), P50: micros(c.Median(p50)), P99: micros(c.Median(p99)), CPU: micros(c.Median(cpuMicros)),
			Peer: c.Kind == result.Peer}
		row.One, row.Fifty = times(r.Share(c, PeerOne)), times(r.Share(c, PeerFifty))
		out = append(out, row)
	}
	return out
}

func stageCardOf(c *result.Case, f *figure) stageCard {
	card := stageCard{figure: *f}
	mean := func(l *result.Latency) float64 { return l.Mean }
	total := 0.0
	names := stages(c)
	for _, name := range names {
		total += stageOf(c, name, mean)
	}
	if !(total > 0) {
		return card
	}
	card.Mean = micros(total)
	for i, name := range names {
		v := stageOf(c, name, mean)
		card.Parts = append(card.Parts, stagePart{color(i), name, micros(v), bounded(v / total)})
	}
	return card
}

// cardOf shows a case by itself, if there is more to show than its rate.
func cardOf(c *result.Case) (caseCard, bool) {
	card := caseCard{ID: c.ID, Name: c.Name, Load: loadText(c), Note: c.Note, Profile: c.Profile}
	if f := batchFigure(c); f != nil {
		card.Figures = append(card.Figures, *f)
	}
	card.Figures = append(timeFigures(c), card.Figures...)
	for i := range c.Runs {
		run := &c.Runs[i]
		card.Breaches = append(card.Breaches, run.Breaches...)
		if m := run.Mix; m != nil && card.Mix == nil {
			card.Mix, card.Others = [][2]string{{"postings a settlement", fmt.Sprintf("%.2f", m.Postings)}, {"using authorizers", percent(m.Relatives)}, {"all cash", percent(m.AllCash)},
				{"contested", percent(m.Contested)}, {"run serially", percent(m.Serial)}, {"drift of the money", percent(m.Drift)}}, others(m)
		}
		if m := run.Memory; m != nil && card.Memory == nil {
			card.Memory = [][2]string{{"process", size(float64(m.Process))}, {"a person", size(m.PerPerson)}, {"GC pause p99", micros(m.GCPause99)}, {"longest pause", micros(m.GCPauseMX)},
				{"collections", thousands(int64(m.GCCount))}, {"GC's share of CPU", percent(m.GCCPU)}}
		}
		if d := run.Disk; d != nil && card.Disk == nil {
			card.Disk = [][2]string{{"ledger", size(float64(d.Ledger))}, {"a settlement", size(d.PerSettlement)}, {"written", size(float64(d.Device))}, {"encoded commands", size(float64(d.Commands))}}
		}
	}
	for _, list := range []*[][2]string{&card.Memory, &card.Disk} {
		*list = slices.DeleteFunc(*list, func(row [2]string) bool { return row[1] == none })
	}
	return card, len(card.Figures)+len(card.Mix)+len(card.Memory)+len(card.Disk)+len(card.Breaches) > 0 || c.Note != "" || c.Profile != ""
}

func factRows(f *result.Facts) [][2]string {
	rows := [][2]string{{"Gongji", f.Version}, {"Go", f.Go}, {"CPU", f.CPU}, {"cores", fmt.Sprint(f.Cores)}, {"memory", size(float64(f.MemoryByte))}, {"system", f.OS}, {"kernel", f.Kernel},
		{"file system", f.Filesystem}, {"fdatasync of a 4 KiB append, median", micros(f.SyncMicros)}, {"load average before", fmt.Sprintf("%.2f", f.LoadBefore)}}
	for _, m := range slices.Sorted(maps.Keys(f.Modules)) {
		rows = append(rows, [2]string{m, f.Modules[m]})
	}
	return slices.DeleteFunc(rows, func(r [2]string) bool { return r[1] == "" })
}
