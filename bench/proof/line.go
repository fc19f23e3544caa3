package proof

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Line is what one test says of its run (reliability.md 3.2, rule 1). One goroutine builds and prints it.
type Line struct {
	test, name string
	begun      time.Time
	words      []string
	faults     map[string]int64
	wrong      []string
}

// TB is the part of testing.TB that a Line needs.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Failed() bool
}

// New begins the line of a test, as "T4", and of its part, as "crash-clones", one word. The time counts from here.
func New(test, name string) *Line {
	return &Line{test: test, name: name, begun: time.Now(), faults: map[string]int64{}}
}

// Seed says what repeats the run.
func (l *Line) Seed(seed uint64) *Line { return l.Word("seed", seed) }

// Word adds one figure. The value is printed with %v and holds no space.
func (l *Line) Word(key string, value any) *Line {
	l.words = append(l.words, fmt.Sprintf("%s=%v", key, value))
	return l
}

// AtLeast adds a figure that fails the test when it is below the least (rule 2: a run that did less than planned proves nothing).
func (l *Line) AtLeast(key string, n, least int64) *Line {
	if n < least {
		l.wrong = append(l.wrong, fmt.Sprintf("%s is %d, at least %d was planned", key, n, least))
	}
	return l.Word(key, n)
}

// Zero adds a figure that fails the test when it is not 0: lost, twice, silent.
func (l *Line) Zero(key string, n int64) *Line {
	if n != 0 {
		l.wrong = append(l.wrong, fmt.Sprintf("%s is %d", key, n))
	}
	return l.Word(key, n)
}

// Fault adds n injected faults of a kind. A kind that came 0 times fails the test.
func (l *Line) Fault(kind string, n int64) *Line {
	l.faults[kind] += n
	return l
}

// Print logs the line and fails the test for what is wrong in it. A failed test's line says so.
func (l *Line) Print(t TB) {
	t.Helper()
	for _, kind := range slices.Sorted(maps.Keys(l.faults)) {
		if l.faults[kind] == 0 {
			l.wrong = append(l.wrong, "no fault of kind "+kind+" was injected")
		}
	}
	for _, w := range l.wrong {
		t.Errorf("%s %s: %s", l.test, l.name, w)
	}
	result := "ok"
	if t.Failed() {
		result = "RED"
	}
	t.Logf("%s", l.text(result))
}

// NotRun logs that a part was not run and why, as "needs root". It is no success: the summary counts it by itself.
func NotRun(t TB, test, name, why string) {
	t.Helper()
	t.Logf("%s", (&Line{test: test, name: name, begun: time.Now()}).Word("why", strings.ReplaceAll(why, " ", "-")).text("NOT-RUN"))
}

func (l *Line) text(result string) string {
	words := append([]string{l.test, l.name, result}, l.words...)
	if len(l.faults) > 0 {
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(l.faults)) {
			kinds = append(kinds, fmt.Sprintf("%s:%d", kind, l.faults[kind]))
		}
		words = append(words, "faults{"+strings.Join(kinds, ",")+"}")
	}
	return strings.Join(append(words, fmt.Sprintf("time=%.1fs", time.Since(l.begun).Seconds())), " ")
}
