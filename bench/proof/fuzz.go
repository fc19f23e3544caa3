package proof

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Fuzz is what one run of `go test -fuzz` says of itself.
type Fuzz struct {
	Target string        // the function, as it names itself when it ends
	Execs  int64         // inputs tried
	New    int64         // inputs kept because they reached new code
	Total  int64         // inputs kept and seeds
	Took   time.Duration // as the last progress line has it
	Failed bool          // it ended with a failure, or never began
	Input  string        // the failing input's file below the package's testdata, if it was written
}

var (
	fuzzProgress = regexp.MustCompile(`(?m)^fuzz: elapsed: (\S+), execs: (\d+) \([^)]*\)(?:, new interesting: (\d+) \(total: (\d+)\))?`)
	fuzzFailed   = regexp.MustCompile(`(?m)^\s*--- FAIL: (Fuzz\w+)`)
	fuzzInput    = regexp.MustCompile(`Failing input written to (testdata/\S+)`)
	fuzzOK       = regexp.MustCompile(`(?m)^ok\s`)
)

// ParseFuzz reads the output of one target's run, standard output and error together. A run without a progress line, or without the closing "ok", has failed:
// nothing may pass that did not run to its end.
func ParseFuzz(output string) (f Fuzz) {
	output = strings.ReplaceAll(output, "\r", "\n")
	for _, m := range fuzzProgress.FindAllStringSubmatch(output, -1) {
		f.Took, _ = time.ParseDuration(m[1])
		f.Execs, _ = strconv.ParseInt(m[2], 10, 64)
		f.New, _ = strconv.ParseInt(m[3], 10, 64)
		f.Total, _ = strconv.ParseInt(m[4], 10, 64)
	}
	if m := fuzzFailed.FindStringSubmatch(output); m != nil {
		f.Target = m[1]
	}
	if m := fuzzInput.FindStringSubmatch(output); m != nil {
		f.Input = m[1]
	}
	f.Failed = f.Execs == 0 || f.Target != "" || !fuzzOK.MatchString(output)
	return f
}

// PrintFuzz prints the line of a run of T19, as "T19 fuzz-http-body ok execs=53301 new=12 kept=134 fuzzed=20s time=23.1s"; name is one word. It is red if the run failed,
// and if it tried fewer than least inputs: a target that the machine was too slow for has shown nothing.
func PrintFuzz(t TB, name string, begun time.Time, f Fuzz, least int64) {
	t.Helper()
	l := New("T19", "fuzz-"+name)
	l.begun = begun
	l.AtLeast("execs", f.Execs, least).Word("new", f.New).Word("kept", f.Total).Word("fuzzed", f.Took)
	if f.Failed {
		l.wrong = append(l.wrong, "it failed or did not end "+f.Target+" "+f.Input)
	}
	l.Print(t)
}
