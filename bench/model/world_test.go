package model

import (
	"crypto/sha256"
	"reflect"
	"testing"
)

// world drives one model by hand: one command a batch unless batch is used.
type world struct {
	t        *testing.T
	m        *Model
	sequence uint64
	timeMS   int64
	key      []byte
}

const testDay = 20422 // 2025-11-30

func newWorld(t *testing.T, p Policy) *world {
	t.Helper()
	key := sha256.Sum256([]byte("test"))
	w := &world{t: t, m: New(), timeMS: testDay*dayMS - chinaMS, key: key[:]}
	w.want(Accepted, Genesis{})
	p.EffectiveFromMS = w.timeMS
	p.AllowedRelations = relationsKnown
	p.MaxFamilies = uint32(p.Strategy / 3) // L1
	p.PayablePlaces = 3
	p.Channels, p.Logins = []uint8{1}, [4][]uint8{{1}}
	w.want(Accepted, p)
	w.want(Accepted, Institution{Code: "H1", Type: 1})
	w.want(Accepted, Institution{Code: "P1", Type: 2})
	return w
}

func (w *world) batch(commands ...Command) []Result {
	w.t.Helper()
	w.sequence++
	results := w.m.Apply(Batch{Sequence: w.sequence, TimeMS: w.timeMS, DayKey: w.key, Commands: commands})
	if err := w.m.CheckInvariants(); err != nil {
		w.t.Fatal(err)
	}
	return results
}

func (w *world) want(outcome int, c Command) Result {
	w.t.Helper()
	r := w.batch(c)[0]
	if r.Outcome != outcome {
		w.t.Fatalf("%T: outcome %s, want %s", c, OutcomeName(r.Outcome), OutcomeName(outcome))
	}
	return r
}

func psnOf(name string) Key  { return K("psn", name) }
func certOf(name string) Key { return K("cert", name) }

// person makes somebody; a balance below 0 means no account and resident insurance.
func (w *world) person(name string, balance int64) {
	w.t.Helper()
	insutype := uint16(310)
	if balance < 0 {
		insutype = 390
	}
	w.want(Accepted, Person{Psn: psnOf(name), Pseudonym: certOf(name), HasAccount: balance >= 0,
		Enrolments: []Insurance{{Insutype: insutype, Status: 1, Begin: testDay - 100}}})
	if balance > 0 {
		w.want(Accepted, Credit{Psn: psnOf(name), Amount: balance, Source: 1})
	}
}

func (w *world) bind(authorizer, user string, order uint16) uint32 {
	w.t.Helper()
	return w.want(Accepted, Binding{Authorizer: psnOf(authorizer), UserPseudonym: certOf(user), Relation: 1,
		Order: order, Channel: 1, Login: 1}).Number
}

func (w *world) balance(name string, want int64) {
	w.t.Helper()
	if got := w.m.Balance(w.account(name)); got != want {
		w.t.Fatalf("%s holds %d fen, want %d", name, got, want)
	}
}

func (w *world) account(name string) uint64 { return w.m.byPsn[psnOf(name)].account() }

// bill is all in scope.
func bill(name string, medfee int64) Settlement {
	return Settlement{Institution: "H1", Psn: psnOf(name), Credential: certOf(name), AcctUsedFlag: 1, Medfee: medfee, Inscp: medfee}
}

func amounts(legs []Leg) []int64 {
	list := []int64{}
	for _, leg := range legs {
		list = append(list, leg.Amount)
	}
	return list
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

var randomSelfFirst = Policy{Version: 1, Strategy: 1, SelfFirst: true, PayableParts: 3, MinBindMonths: 3}
var orderedSelfFirst = Policy{Version: 1, Strategy: 2, SelfFirst: true, PayableParts: 3, MinBindMonths: 3}
var allocatedSelfFirst = Policy{Version: 1, Strategy: 3, SelfFirst: true, PayableParts: 3}
