package rest

import (
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// haltAfter makes the clock step when so many more batches have got their time.
func (f *fixture) haltAfter(batches int64) {
	f.clock.jumpAt.Store(f.clock.ms.Load() + batches + 1)
	f.clock.jump.Store(2 * sequencer.StepMaxMS)
}

// await lets others run until a condition holds.
func (f *fixture) await(what string, holds func() bool) {
	f.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(end) {
			f.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// A load that the clock cuts in the middle of a chunk: 503, the lines before the halt are in the ledger, sending again does the rest.
func TestLoadHalt(t *testing.T) {
	f := start(t, setup{})
	const persons = chunkLines + 100
	body := f.loadLines(persons)
	f.haltAfter(1)
	if a := f.load("h", body).want(503, "code", "unavailable"); a.retry == "" {
		t.Error("no Retry-After")
	}
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	f.load("h", body).want(200, "accepted", "2148", "repeated", "2048", "refused", "0")
}

// ticks are n harmless commands.
func ticks(class sequencer.Class, n int) *sequencer.Request {
	r := sequencer.NewRequest()
	r.Class, r.Count = class, n
	for range n {
		r.Commands = command.Append(r.Commands, &ledger.Command{Kind: ledger.KindTick, More: &ledger.More{}}, &command.Details{})
	}
	return r
}

// A batch call of which a part lies in a batch before the clock halts: those lines have their results, the others are refused with their
// ids free, and sending all again does exactly the rest.
func TestBatchHalt(t *testing.T) {
	f := start(t, setup{})
	father, son := f.newPerson(true), f.newPerson(false)
	f.bind(father, f.newPerson(false), "") // or the batch would ask for the letter's template, and wait for the held executor
	var lines []string
	for range linesMax { // the first makes the binding, the others are refused by the ledger
		lines = append(lines, bindBody(f.msgid(), father, son, ""))
	}
	body := strings.Join(lines, "\n")
	submit := func(r *sequencer.Request) *sequencer.Request {
		t.Helper()
		if err := f.engine.Submit(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	// Hold the executor and use up the batches under way, so that what follows is cut together: 2,048 of the load, 1,500 of it with 548
	// lines, and 452 lines.
	held, hold := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	defer release() // or a failure would wait for ever
	asked := make(chan error, 1)
	go func() {
		asked <- f.engine.Ask(func(engine.View) { close(held); <-hold })
	}()
	<-held
	var before []*sequencer.Request
	for range sequencer.BatchesAhead - 1 {
		before = append(before, submit(ticks(sequencer.Structural, sequencer.AheadCommands))) // enough to be cut behind a batch that is not durable
		f.await("the cut", func() bool { return f.engine.Depth() == 0 })
	}
	f.haltAfter(3)
	before = append(before, submit(ticks(sequencer.Structural, 1)), submit(ticks(sequencer.Bulk, sequencer.BatchCommands+1_500)))
	answered := make(chan *answer, 1)
	go func() { answered <- f.send("POST", f.admin+"/v1/bindings/batch", mediaNDJSON, body) }()
	f.await("the queue", func() bool { return f.engine.Depth() == 1+sequencer.BatchCommands+1_500+linesMax })
	release()
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	for _, r := range before {
		if err := f.engine.Wait(r); err != nil {
			t.Fatal(err)
		}
	}
	const decided = sequencer.BatchCommands - 1_500
	wantVerdicts(t, (<-answered).want(200).text, decided, `"status":503,"code":"unavailable","id_used":false`)
	if err := f.engine.ConfirmClock(); err != nil {
		t.Fatal(err)
	}
	again := f.send("POST", f.admin+"/v1/bindings/batch", mediaNDJSON, body).want(200).text
	wantVerdicts(t, again, linesMax, "")
	if n := strings.Count(again, `"replayed":true`); n != decided {
		t.Errorf("%d lines are repeats, want %d", n, decided)
	}
}

// wantVerdicts looks for a result of the ledger in the first lines of an answer, and for a text in each of the rest.
func wantVerdicts(t *testing.T, text string, decided int, rest string) {
	t.Helper()
	verdicts := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(verdicts) != linesMax {
		t.Fatalf("%d verdicts", len(verdicts))
	}
	for i, v := range verdicts {
		var got struct {
			Line, Status, Outcome int
		}
		if err := json.Unmarshal([]byte(v), &got); err != nil || got.Line != i+1 {
			t.Fatalf("verdict %d: %v: %s", i+1, err, v)
		}
		switch {
		case i >= decided:
			if !strings.Contains(v, rest) {
				t.Fatalf("verdict %d is %s, want %s", i+1, v, rest)
			}
		case i == 0 && got.Status != 200, i > 0 && (got.Status != 422 || got.Outcome != int(ledger.DuplicateBinding)):
			t.Fatalf("verdict %d: %s", i+1, v)
		}
	}
}
