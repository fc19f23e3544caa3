package engine

import (
	"fmt"
	"time"

	"gongji/engine/ledger"
)

// InstitutionClearing is a clearing with its number. It is the caller's.
type InstitutionClearing struct {
	Number uint32
	ledger.Clearing
}

// InstitutionClearings is a piece of an institution's clearings, newest first.
type InstitutionClearings struct {
	Sequence uint64 // at which it was asked
	TimeMS   int64  // ledger time when it was answered
	List     []InstitutionClearing
	Next     uint32 // give it as next to go on; 0: that is all
}

// InstitutionClearings gives the payouts to an institution as of a sequence (0: the newest), at most n (1 to ClearingsMax), newest first; next is 0 or
// what the answer before gave. Any goroutine. Errors: ErrNoInstitution, ErrAhead, ErrCursor; those of AskWithin.
func (e *Engine) InstitutionClearings(limit time.Duration, institution uint32, sequence uint64, next uint32, n int) (out InstitutionClearings, err error) {
	if n < 1 || n > ClearingsMax {
		return out, fmt.Errorf("%d clearings, allowed are 1 to %d", n, ClearingsMax)
	}
	var found error
	err = e.AskWithin(limit, func(v View) {
		if out.Sequence, out.TimeMS = v.Sequence, v.TimeMS; sequence != 0 {
			out.Sequence = sequence
		}
		switch {
		case institution >= v.State.Institutions.Len():
			found = ErrNoInstitution
		case out.Sequence > v.Sequence:
			found = ErrAhead
		case next != 0 && (next > v.State.Clearings.Len() || v.State.Clearings.At(next-1).Institution != institution):
			found = ErrCursor
		default:
			eachClearing(v.State, institution, next, out.Sequence, func(number uint32, c *ledger.Clearing) bool {
				if len(out.List) == n {
					out.Next = number + 1
					return false
				}
				out.List = append(out.List, InstitutionClearing{number, *c})
				return true
			})
		}
	})
	if err == nil {
		err = found
	}
	return out, err
}

// eachClearing shows the clearings of an institution up to a sequence, newest first, beginning with number from - 1 (0: the newest), until f says false.
// An institution has a few a month.
func eachClearing(s *ledger.State, institution, from uint32, sequence uint64, f func(number uint32, c *ledger.Clearing) bool) {
	if from == 0 {
		from = s.Institutions.At(institution).Clearings
	}
	for n := from; n != 0; n = s.Clearings.At(n - 1).Before {
		if c := s.Clearings.At(n - 1); c.At.Sequence() <= sequence && !f(n-1, c) {
			return
		}
	}
}
