package history

import (
	"slices"
	"sync"
	"testing"

	"gongji/bench/proof"
	"gongji/engine"
	"gongji/engine/ledger"
)

// crew are callers who do one thing at the same time.
func (w *world) crew(n int) {
	for i := range n {
		w.callers = append(w.callers, &caller{w: w, number: i, door: w.doors[i%len(w.doors)]})
	}
}

// together lets some callers make a call each at once and gives their answers.
func (w *world) together(calls []Call) []Answer {
	answers := make([]Answer, len(calls))
	var ready, working sync.WaitGroup
	begin := make(chan struct{})
	for i, call := range calls {
		ready.Add(1)
		working.Go(func() {
			ready.Done()
			<-begin
			answers[i], _ = w.callers[i].call(call, false)
		})
	}
	ready.Wait()
	close(begin)
	working.Wait()
	return answers
}

// TestCopies (T7, P4; R10, R12): 500 copies of one message at the same time, half through /v1, half through Submit: one of them is executed, and all are told the same.
func TestCopies(t *testing.T) {
	const copies = 500
	rounds := proof.Of(20)
	w := newWorld(t, "T7", "copies", 61, plan{shards: 4, families: rounds}, faults{}, 0, httpDoor{}, submitDoor{})
	defer w.end()
	w.crew(copies)
	executed := 0
	for round := range rounds {
		f := w.family[round]
		settled := f.message(Call{Kind: Settle, Family: round, Amount: 30_00})
		messages := []Call{settled}
		if round%2 == 1 { // and one that undoes it, whose copies race with those of the settlement
			messages = append(messages, f.message(Call{Kind: Reverse, Family: round, About: settled.ID}))
		}
		messages = append(messages, f.message(Call{Kind: Credit, Family: round, Amount: 1}), f.message(Call{Kind: Bind, Family: round, Other: 3}))
		for len(messages) > 0 {
			n := 1 + (round+len(messages))%2 // one message, or two that race
			n = min(n, len(messages))
			var calls []Call
			for i := range copies {
				calls = append(calls, messages[i%n])
			}
			answers := w.together(calls)
			for i := range n {
				executed += w.same(calls, answers, messages[i].ID)
			}
			messages = messages[n:]
		}
	}
	v, err := Check(w.history(), familyLimit, pictures(t))
	must(t, err)
	if err := v.Err(); err != nil {
		t.Error(err)
	}
	w.begun.AtLeast("ops", int64(v.Calls), int64(rounds*copies)).AtLeast("messages", int64(executed), int64(rounds)).Word("copies", copies).Zero("unanswered", int64(v.Unknowns)).
		Word("result", v.Result).Print(t)
}

// same tells that the copies of a message were executed once, if at all, and told one thing.
func (w *world) same(calls []Call, answers []Answer, id int) (executed int) {
	w.t.Helper()
	var first *Answer
	for i := range answers {
		if a := answers[i]; calls[i].ID == id {
			if a.Outcome != Blocked && !a.Repeat { // what is blocked is no repeat: it never was executed
				executed++
			}
			a.Repeat = false
			if a.Outcome == Blocked {
				a.Sequence = 0
			}
			if first == nil {
				first = &a
			} else if a.String() != first.String() || a.At != first.At {
				w.t.Fatalf("copies of one message: %v and %v", a, *first)
			}
		}
	}
	if executed > 1 || executed == 0 && first.Outcome != Blocked {
		w.t.Fatalf("%d of the copies of one message were executed: %v", executed, *first)
	}
	return executed
}

// TestUnbindRaces (T7, P13): settlements race with the making and the ending of a binding. By the log, no authorizer pays before his binding or behind
// its end; behind an acknowledged unbinding none does; what A gives B never reaches C.
func TestUnbindRaces(t *testing.T) {
	rounds := proof.Of(600)
	w := newWorld(t, "T7", "unbind-races", 62, plan{shards: 2, families: 10}, faults{}, 0, httpDoor{}, submitDoor{})
	defer w.end()
	const racers = 8
	w.crew(racers + 1)
	before, behind, inside := 0, 0, 0
	for round := range rounds {
		number := round % w.families
		f := w.family[number]
		bill := func(member int) Call {
			return f.message(Call{Kind: Settle, Family: number, Member: member, Amount: int64(1 + round%7)})
		}
		race := func(last Call, member int) []Answer {
			var calls []Call
			for range racers {
				calls = append(calls, bill(member))
			}
			calls = append(calls, last)
			return w.together(calls)
		}
		w.callers[0].call(f.message(Call{Kind: Credit, Family: number, Member: round % 3, Amount: 20_00}), false)
		bound := race(f.message(Call{Kind: Bind, Family: number, Member: 0, Other: 3}), 3) // 3 has no account: who pays is who is bound
		end := bound[racers]
		ended := race(f.message(Call{Kind: Unbind, Family: number, Member: 0, Binding: end.Binding}), 3)
		for _, a := range slices.Concat(bound[:racers], ended[:racers]) {
			if a.Mulaid > 0 {
				inside++
			}
		}
		for _, a := range bound[:racers] {
			if a.Mulaid == 0 {
				before++
			}
		}
		for _, a := range ended[:racers] {
			if a.Mulaid == 0 {
				behind++
			}
		}
		if a, _ := w.callers[0].call(bill(3), false); a.Mulaid != 0 { // the unbinding is acknowledged
			t.Fatalf("round %d: %v behind the unbinding at %d", round, a, ended[racers].Sequence)
		}
	}
	w.chainNeverPasses()
	events := w.history()
	v, err := Check(events, familyLimit, pictures(t))
	must(t, err)
	if err := v.Err(); err != nil {
		t.Error(err)
	}
	outside := w.outsideOfBindings()
	w.begun.AtLeast("ops", int64(v.Calls), int64(rounds*2*racers)).Word("before", before).AtLeast("inside", int64(inside), 1).Word("behind", behind).AtLeast("outside_total", int64(before+behind), 1).
		Zero("wrong", int64(outside)).Word("result", v.Result).Print(t)
}

// chainNeverPasses: A shares with B, B with C; C is treated for more than B has.
func (w *world) chainNeverPasses() {
	w.t.Helper()
	c, f := w.callers[0], w.family[1]
	c.call(f.message(Call{Kind: Bind, Family: 1, Member: 0, Other: 1}), false)
	c.call(f.message(Call{Kind: Bind, Family: 1, Member: 1, Other: 2}), false)
	var all int64
	must(w.t, w.machine.Load().engine.Ask(func(v engine.View) {
		var a Answer
		a.look(v, 1)
		all = a.Balances[1] + a.Balances[2]
	}))
	a, _ := c.call(f.message(Call{Kind: Settle, Family: 1, Member: 2, Amount: all + 1_00}), false)
	if a.Own+a.Mulaid != all || a.Cash != 1_00 {
		w.t.Errorf("C was treated for %d and paid %v, B and C have %d", all+1_00, a, all)
	}
}

// outsideOfBindings counts in the log legs of relatives whose binding with the patient was not active at that position.
func (w *world) outsideOfBindings() (wrong int) {
	w.t.Helper()
	e := w.machine.Load().engine
	type pair struct{ authorizer, user uint32 }
	active, of := map[pair]bool{}, map[uint32]pair{}
	for after := ledger.Position(0); ; {
		feed, err := e.Events(after, engine.EventsMax, func(f *ledger.Effect, _ *ledger.Effects) bool {
			return f.Outcome == ledger.Accepted && (f.Kind == ledger.KindBinding || f.Kind == ledger.KindUnbinding || f.Kind == ledger.KindSettlement)
		})
		must(w.t, err)
		for i := range feed.Entries {
			x := &feed.Entries[i]
			switch x.Effect.Kind {
			case ledger.KindBinding:
				p := pair{w.number(x.Command.Person), w.holder(e, x.Command.Other)}
				active[p], of[x.Effect.Number] = true, p
			case ledger.KindUnbinding:
				for _, item := range x.Items {
					if item.Outcome == ledger.Accepted {
						active[of[item.Binding]] = false
					}
				}
			case ledger.KindSettlement:
				for _, l := range x.Legs {
					if n := l.Account.Number(); n != x.Effect.Patient && !active[pair{n, x.Effect.Patient}] {
						wrong++
					}
				}
			}
		}
		if after = feed.Next; !feed.More {
			return wrong
		}
	}
}

// number is a person of the ledger.
func (w *world) number(k ledger.Key) (n uint32) {
	for n, p := range w.person {
		if ledger.K([]byte(psnNo(p.family-1, p.member))) == k {
			return n
		}
	}
	w.t.Fatal("a stranger in the log")
	return 0
}

// holder is who a pseudonym belongs to.
func (w *world) holder(e *engine.Engine, k ledger.Key) (n uint32) {
	for n, p := range w.person {
		if e.Pseudonym("01", []byte(certnoOf(p.family-1, p.member))) == k {
			return n
		}
	}
	w.t.Fatal("a stranger in the log")
	return 0
}
