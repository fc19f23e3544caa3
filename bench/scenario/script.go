package scenario

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// A Step is one line of a script: a verb, words, and behind the arrow what must come of it.
//
//	bind father son relation 5 -> duplicate_binding
type Step struct {
	Line int
	Verb string
	Args []string // before the arrow
	Want []string // behind it; nil: no arrow, the step must be accepted
}

// ParseScript reads a script: a step a line, # begins a comment, words are separated by blanks.
func ParseScript(r io.Reader) ([]Step, error) {
	var steps []Step
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		before, after, arrow := strings.Cut(text, "->")
		words := strings.Fields(before)
		if len(words) == 0 {
			if arrow {
				return nil, fmt.Errorf("line %d: nothing before the arrow", n)
			}
			continue
		}
		s := Step{Line: n, Verb: words[0], Args: words[1:]}
		if arrow {
			if s.Want = strings.Fields(after); len(s.Want) == 0 {
				return nil, fmt.Errorf("line %d: nothing behind the arrow", n)
			}
		}
		steps = append(steps, s)
	}
	return steps, lines.Err()
}

// args are the words of a step: some by place, the rest as name and value, or a name alone.
type args struct {
	words []string
	used  []bool
}

func newArgs(words []string) *args { return &args{words: words, used: make([]bool, len(words))} }

// next takes the first word not taken yet.
func (a *args) next() (string, error) {
	for i, used := range a.used {
		if !used {
			a.used[i] = true
			return a.words[i], nil
		}
	}
	return "", fmt.Errorf("a word is missing")
}

// value takes the word behind a name; "" if the name is not there.
func (a *args) value(name string) string {
	for i := 0; i+1 < len(a.words); i++ {
		if !a.used[i] && a.words[i] == name {
			a.used[i], a.used[i+1] = true, true
			return a.words[i+1]
		}
	}
	return ""
}

// flag takes a name that stands alone.
func (a *args) flag(name string) bool {
	for i, w := range a.words {
		if !a.used[i] && w == name {
			a.used[i] = true
			return true
		}
	}
	return false
}

// rest fails if a word was not understood.
func (a *args) rest() error {
	for i, used := range a.used {
		if !used {
			return fmt.Errorf("%q is not understood", a.words[i])
		}
	}
	return nil
}
