package history

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Verdict on a history.
type Verdict struct {
	Calls, Families, Unknowns int
	Kinds                     map[Kind]int
	Outcomes                  map[Outcome]int
	Result                    porcupine.CheckResult
	Picture                   string // file with the drawn history of the first family that is not Ok; "" without one
	Took                      time.Duration
}

// Err is nil if one order of the calls explains every answer.
func (v *Verdict) Err() error {
	if v.Result == porcupine.Ok {
		return nil
	}
	return fmt.Errorf("history is %s, picture in %s", v.Result, v.Picture)
}

// Check judges a history family by family. A family that takes longer than limit is Unknown, which is no success. dir gets the picture.
func Check(events []Event, limit time.Duration, dir string) (Verdict, error) {
	start := time.Now()
	v := Verdict{Calls: len(events), Kinds: map[Kind]int{}, Outcomes: map[Outcome]int{}, Result: porcupine.Ok}
	families := map[int][]porcupine.Operation{}
	for i := range events {
		e := &events[i]
		v.Kinds[e.Call.Kind]++
		v.Outcomes[e.Answer.Outcome]++
		if e.Answer.Outcome == Unknown {
			v.Unknowns++
			if !e.Call.Kind.Moves() {
				continue // a question that was not answered says nothing
			}
		}
		families[e.Call.Family] = append(families[e.Call.Family], porcupine.Operation{ClientId: e.Client, Input: &e.Call, Output: &e.Answer, Call: e.From, Return: e.To})
	}
	v.Families = len(families)
	model := model()
	for _, family := range slices.Sorted(maps.Keys(families)) {
		result, info := porcupine.CheckOperationsVerbose(model, families[family], limit)
		if result == porcupine.Ok {
			continue
		}
		v.Result = result
		f, err := os.CreateTemp(dir, fmt.Sprintf("family-%d-*.html", family))
		if err != nil {
			return v, err
		}
		v.Picture = f.Name()
		if err := porcupine.Visualize(model, info, f); err != nil {
			return v, err
		}
		if err := f.Close(); err != nil {
			return v, err
		}
		break
	}
	v.Took = time.Since(start)
	return v, nil
}

// model is the book for porcupine: an unknown outcome is applied if it fits, and a draw that nobody saw may have been any.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{newBook()} },
		Step: func(state, input, output any) (next []any) {
			for _, b := range state.(*book).step(input.(*Call), output.(*Answer)) {
				next = append(next, b)
			}
			return next
		},
		Equal:             func(a, b any) bool { return a.(*book).equal(b.(*book)) },
		Hash:              func(a any) uint64 { return a.(*book).hash() },
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v -> %v", input.(*Call), output.(*Answer)) },
		DescribeState:     func(a any) string { b := a.(*book); return fmt.Sprintf("%v %v", b.balance, b.bindings) },
	}
	return m.ToModel()
}

// Order checks what holds across families (P12): a call made after another was answered is not before it in the log. Repeats tell the sequence of the
// first answer, so they are left out.
func Order(events []Event) error {
	type end struct {
		at       int64
		sequence uint64
		event    *Event
	}
	var ends []end
	var calls []*Event
	for i := range events {
		if e := &events[i]; e.Answer.Sequence != 0 && !e.Answer.Repeat {
			ends = append(ends, end{e.To, e.Answer.Sequence, e})
			calls = append(calls, e)
		}
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.at, b.at) })
	slices.SortFunc(calls, func(a, b *Event) int { return cmp.Compare(a.From, b.From) })
	var newest end
	for _, c := range calls {
		for len(ends) > 0 && ends[0].at < c.From {
			if ends[0].sequence > newest.sequence {
				newest = ends[0]
			}
			ends = ends[1:]
		}
		if c.Answer.Sequence < newest.sequence {
			return fmt.Errorf("family %d, %v is of sequence %d, but family %d, %v was answered before and is of %d", c.Call.Family, c.Call, c.Answer.Sequence,
				newest.event.Call.Family, newest.event.Call, newest.sequence)
		}
	}
	return nil
}
