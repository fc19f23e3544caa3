package executor

import (
	"fmt"
	"path"
	"runtime"
	"strings"

	"gongji/engine/command"
	"gongji/engine/ledger"
)

// Poison is what Execute panics with when running a command panicked: the same would happen at every replay (design.md 3).
type Poison struct {
	Sequence uint64
	Index    int // -1: no single command was being run
	Kind     ledger.Kind
	Cause    string // one line, without personal data
}

func (p *Poison) Error() string {
	if p.Index < 0 {
		return fmt.Sprintf("batch %d kills the process, no single command: %s", p.Sequence, p.Cause)
	}
	return fmt.Sprintf("command %d:%d (%s) kills the process: %s", p.Sequence, p.Index, p.Kind.Name(), p.Cause)
}

// caught is a panic on its way to the goroutine that leads.
type caught struct {
	value any    // nil: none
	index int    // of the command being run, -1: none
	cause string // where it came from
}

// catch is the panic that recover gave, nil for none. To be called by the deferred function itself, so that the frames are still there.
func catch(value any, index int) caught {
	if value == nil {
		return caught{}
	}
	return caught{value: value, index: index, cause: Cause(value)}
}

// raise goes on with a caught panic, on the leader's goroutine: storage failures as they came, everything else as poison.
func (c *caught) raise(b *Batch) {
	if failure, ok := c.value.(interface{ StorageFailure() }); ok {
		panic(failure)
	}
	if poison, ok := c.value.(*Poison); ok {
		panic(poison)
	}
	p := &Poison{Sequence: b.Sequence, Index: c.index, Cause: c.cause}
	if p.Index >= 0 {
		p.Kind, _ = command.Peek(b.Head.Commands[b.Offsets[p.Index]:])
	}
	panic(p)
}

// framesMax is how many calls of ours a cause tells: from the rule that panicked up to the executor.
const framesMax = 8

// Cause tells a recovered panic and where it came from on one line. It tells texts of ours (BUG ...) and of the runtime; any other value might hold what
// must not be told (P23), so only its type is. To be called before the panicking frames are left.
func Cause(value any) string {
	var text strings.Builder
	switch v := value.(type) {
	case runtime.Error:
		text.WriteString(v.Error())
	case string:
		if strings.HasPrefix(v, "BUG") {
			text.WriteString(v)
			break
		}
		text.WriteString("panic with a text")
	default:
		fmt.Fprintf(&text, "panic with a %T", v)
	}
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(2, counters[:])])
	for told, panicked := 0, false; told < framesMax; {
		f, more := frames.Next()
		if panicked && strings.HasPrefix(f.Function, "gongji/") {
			fmt.Fprintf(&text, " < %s:%d", path.Base(f.File), f.Line)
			told++
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			break
		}
	}
	return text.String()
}
