package till

import (
	"context"
	"fmt"
	"slices"
)

// SweepResult is one dialogue of a sweep.
type SweepResult struct {
	Infno     string
	Point     Point
	Cancelled bool
	Wrong     []string
	Err       error // the dialogue did not end; the close deals with what it left open
}

// Sweep plays a dialogue once for every message in it and every point, with the line cut there; what belongs to a cancel is played with a patient who
// declines. Messages that were held on the way arrive behind the till's next one. who gives the patient of dialogue n: platforms bound a patient's visits of
// a day at one place. The close is the caller's.
func (t *Till) Sweep(ctx context.Context, p *Play, who func(n int) Credential) (list []SweepResult, err error) {
	firstDeclined := slices.Index(p.Messages, p.cancel)
	for i, infno := range p.Messages {
		for _, point := range Points() {
			if ctx.Err() != nil {
				return list, ctx.Err()
			}
			d := &Dialogue{Credential: who(len(list)), Decline: i >= firstDeclined}
			t.say("%s: line cut at %s of %s %s", p.Name, point, infno, infnoNames[infno])
			t.Server.Line.Cut(infno, point)
			v, err := t.Play(ctx, p, d)
			r := SweepResult{Infno: infno, Point: point, Cancelled: v.Cancelled, Wrong: v.Wrong, Err: err}
			if t.Server.Line.Planned() > 0 {
				t.Server.Line.Clear()
				if r.Err == nil {
					r.Err = fmt.Errorf("%w: the line was not cut", ErrUnresolved)
				}
			}
			list = append(list, r)
		}
	}
	return list, nil
}
