package power

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gongji/bench/province"
)

// truth is the world as its clients' books tell it, after every message whose outcome was unknown has been resolved to one by asking (P24).
// One test's goroutine owns it.
type truth struct {
	world    *province.Province
	accounts []fen          // of each person, by the legs that the ledger names for the book's settlements
	families []fen          // sums of accounts, by nothing but the books
	owed     map[string]fen // to institutions, by nothing but the books
	credits  fen
	began    time.Time
	lines    []*line // all, resolved

	// What is wrong: acknowledged and not there; there more than once; there with another answer.
	lost, twice, differs int64
	checked              int64 // acknowledged messages that were read back
	rechecked            int64 // of these, those of earlier rounds
	done, refused, never int64 // what unknown messages turned out to be
	told                 []string
}

// newTruth is the world after its load.
func newTruth() *truth {
	w := world()
	u := &truth{world: w, accounts: make([]fen, w.Persons()), families: make([]fen, w.Families()), owed: map[string]fen{}, began: time.Now()}
	for i := range u.accounts {
		u.accounts[i] = fen(w.OpeningFen(i))
		u.families[w.FamilyOf(i)] += u.accounts[i]
		u.credits += u.accounts[i]
	}
	return u
}

// toldMax complaints are printed.
const toldMax = 12

func (u *truth) complain(count *int64, format string, args ...any) {
	*count++
	if len(u.told) < toldMax {
		u.told = append(u.told, fmt.Sprintf(format, args...))
	}
}

// fate is what GET /v1/settlements tells the bureau.
type fate struct {
	reply
	Payers []struct {
		PsnNo  string `json:"psn_no"`
		Amount fen    `json:"amount"`
	} `json:"payers"`
}

func ask(x *server, l *line) (f fate, err error) {
	a, err := x.get("/v1/settlements?fixmedins_code=" + l.Code + "&msgid=" + url.QueryEscape(l.Msgid))
	if err == nil {
		err = decode(a, &f)
	}
	return f, err
}

// decode reads an answer that must be 200.
func decode(a *answer, into any) error {
	if a.status != 200 {
		return fmt.Errorf("answer %d %s", a.status, a.body)
	}
	return json.Unmarshal(a.body, into)
}

// again sends a message once more and gives what it is told now.
func again(x *server, l *line) (repeat line, replayed bool, err error) {
	a, err := x.post(l.Path, l.Body)
	if err != nil {
		return repeat, false, err
	}
	repeat.take(a, nil)
	if repeat.State == stateUnknown || repeat.State == stateTurned {
		err = fmt.Errorf("repeat of %s %s: %d %s", l.Kind, l.Msgid, a.status, a.body)
	}
	return repeat, a.replayed, err
}

// add takes the lines of a book that ended with the server's process, all of them: first it resolves what is unknown, then it reads back
// every message that was acknowledged, and then it books them.
func (u *truth) add(t *testing.T, x *server, lines []*line) {
	t.Helper()
	for _, l := range lines {
		if l.State == stateUnknown {
			if err := u.resolve(x, l); err != nil {
				t.Fatal(err)
			}
		}
	}
	found := make([]finding, len(lines))
	if err := parallel(len(lines), func(i int) (err error) {
		found[i], err = find(x, lines[i])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	undone := map[string]bool{}
	for i, l := range lines {
		u.compare(l, &found[i])
		if (l.Kind == kindCancel || l.Kind == kindUndo) && l.State == stateDone {
			undone[l.Of] = true
		}
	}
	for i, l := range lines {
		u.post(l, &found[i].fate, undone[l.Msgid])
	}
	u.lines = append(u.lines, lines...)
}

// recheckMax messages of earlier rounds are read back in each: by then a checkpoint holds them and their ids.
const recheckMax = 100

// recheck reads some messages back that were read back before (P4: for ever).
func (u *truth) recheck(t *testing.T, x *server, random *rand.Rand) {
	t.Helper()
	some := make([]*line, min(recheckMax, len(u.lines)))
	for i := range some {
		some[i] = u.lines[random.IntN(len(u.lines))]
	}
	found := make([]finding, len(some))
	if err := parallel(len(some), func(i int) (err error) {
		found[i], err = find(x, some[i])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	before := u.checked
	for i, l := range some {
		u.compare(l, &found[i])
	}
	u.rechecked += u.checked - before
}

// resolve asks what became of a message whose answer did not come, and makes it final.
func (u *truth) resolve(x *server, l *line) error {
	if l.Kind != kindSettle {
		r, replayed, err := again(x, l)
		u.settle(l, &r, replayed)
		return err
	}
	f, err := ask(x, l)
	switch {
	case err != nil:
		return err
	case f.State == "never_seen" && u.never%2 == 0: // as one till does: block it, and its late copy comes to nothing (R9, P8)
		u.never++
		a, err := x.post("/v1/reversals", undoOf(l, "block-"+l.Msgid[len(l.Msgid)-min(len(l.Msgid), 24):]).Body)
		if err != nil || a.status != 200 || !strings.Contains(string(a.body), `"state":"blocked"`) {
			return fmt.Errorf("blocking %s: %d %s %w", l.Msgid, a.status, a.body, err)
		}
		late, _, err := again(x, l)
		if l.State, l.Key = late.State, late.Key; late.State != stateRefused {
			u.complain(&u.differs, "%s was blocked, and its late copy is %s %s", l.Msgid, late.State, late.Key)
		}
		return err
	case f.State == "never_seen": // as another does: send it again
		r, replayed, err := again(x, l)
		if replayed {
			u.complain(&u.differs, "%s was never seen, and its repeat is a replay", l.Msgid)
		}
		u.settle(l, &r, false)
		return err
	}
	r, _, err := again(x, l)
	u.settle(l, &r, true)
	return err
}

// settle notes what an unknown message has come to.
func (u *truth) settle(l, r *line, before bool) {
	amount := l.Acct
	l.State, l.Key, l.ID, l.Acct, l.Aid, l.Cash = r.State, r.Key, r.ID, r.Acct, r.Aid, r.Cash
	if l.Kind == kindCredit {
		l.Acct = amount
	}
	switch {
	case !before:
		u.never++
	case r.State == stateRefused:
		u.refused++
	default:
		u.done++
	}
}

// finding is what the ledger says of a message.
type finding struct {
	fate     fate
	repeat   line
	replayed bool
}

// find reads a message back: a settlement by asking, everything else by sending it once more.
func find(x *server, l *line) (f finding, err error) {
	if l.Kind == kindSettle {
		if f.fate, err = ask(x, l); err != nil || l.State != stateRefused {
			return f, err
		}
	}
	if l.State == stateDone || l.State == stateRefused {
		f.repeat, f.replayed, err = again(x, l)
	}
	return f, err
}

// blockedCode is the refusal of a settlement that was undone before it came: it is no repeat of itself, so it never says so.
const blockedCode = " blocked "

// compare demands that the ledger says of a message what its sender was told (P3, P4, P6).
func (u *truth) compare(l *line, f *finding) {
	if l.State == stateTurned {
		if l.Kind == kindSettle && f.fate.State != "never_seen" && f.fate.State != "blocked" {
			u.complain(&u.differs, "%s was turned away with %d and is %s", l.Msgid, l.Status, f.fate.State)
		}
		return
	}
	u.checked++
	s := &f.fate
	switch {
	case l.Kind == kindSettle && l.State == stateDone:
		if s.State == "never_seen" || s.State == "blocked" || s.State == "refused" {
			u.complain(&u.lost, "settlement %s was acknowledged as %s and is %s", l.Msgid, l.ID, s.State)
		} else if s.ID != l.ID || s.Acct != l.Acct || s.Aid != l.Aid || s.Cash != l.Cash {
			u.complain(&u.differs, "settlement %s: the book says %s %s %s %s, the ledger %s %s %s %s", l.Msgid, l.ID, l.Acct, l.Aid, l.Cash, s.ID, s.Acct, s.Aid, s.Cash)
		}
	case l.Kind == kindSettle && s.State == "settled":
		u.complain(&u.differs, "settlement %s was refused and is settled", l.Msgid)
	case strings.Contains(l.Key, blockedCode) && s.State != "blocked":
		u.complain(&u.lost, "settlement %s was refused because it is blocked, and is %s", l.Msgid, s.State)
	case !f.replayed && !strings.Contains(l.Key, blockedCode):
		u.complain(&u.lost, "%s %s was acknowledged as %q, and its repeat was taken for a new message: %q", l.Kind, l.Msgid, l.Key, f.repeat.Key)
	case f.repeat.Key != l.Key:
		u.complain(&u.differs, "%s %s: the book says %q, the ledger %q", l.Kind, l.Msgid, l.Key, f.repeat.Key)
	}
}

// post books a message.
func (u *truth) post(l *line, s *fate, undone bool) {
	switch {
	case l.State != stateDone:
	case l.Kind == kindCredit:
		u.accounts[l.Who] += l.Acct
		u.families[u.world.FamilyOf(l.Who)] += l.Acct
		u.credits += l.Acct
	case l.Kind == kindSettle:
		if want := map[bool]string{false: "settled", true: "reversed"}[undone]; s.State != want {
			u.complain(&u.differs, "settlement %s is %s, by the book it is %s", l.Msgid, s.State, want)
		}
		sum, own := fen(0), fen(0)
		for _, leg := range s.Payers {
			who, ok := u.world.IndexOf(leg.PsnNo)
			if sum += leg.Amount; !ok || u.world.FamilyOf(who) != u.world.FamilyOf(l.Who) || leg.Amount <= 0 {
				u.complain(&u.differs, "settlement %s has a leg of %s from outside the family", l.Msgid, leg.Amount)
				continue
			}
			if who == l.Who {
				own += leg.Amount
			}
			if !undone {
				u.accounts[who] -= leg.Amount
			}
		}
		if sum != l.Acct || own != l.Acct-l.Aid {
			u.complain(&u.differs, "settlement %s: legs %s, own %s, the book says %s and %s", l.Msgid, sum, own, l.Acct, l.Acct-l.Aid)
		}
		if !undone {
			u.families[u.world.FamilyOf(l.Who)] -= l.Acct
			u.owed[l.Code] += l.Acct
		}
	}
}

// check compares every account, every family and the trial balance with the books; with houses also what every institution is owed.
func (u *truth) check(t *testing.T, x *server, houses bool) {
	t.Helper()
	balances := make([]fen, u.world.Persons())
	if err := parallel(len(balances), func(i int) (err error) {
		balances[i], err = balance(x, u.world.PsnNo(i))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	families := make([]fen, len(u.families))
	for i, b := range balances {
		families[u.world.FamilyOf(i)] += b
		if b != u.accounts[i] || b < 0 {
			u.complain(&u.twice, "person %d holds %s, by the books and legs %s", i, b, u.accounts[i])
		}
	}
	for f, sum := range families {
		if sum != u.families[f] {
			u.complain(&u.twice, "family %d holds %s, by the books %s", f, sum, u.families[f])
		}
	}
	u.checkTotals(t, x)
	if houses {
		u.checkHouses(t, x)
	}
}

func balance(x *server, psnNo string) (fen, error) {
	var p struct {
		Accounts []struct {
			Balance fen `json:"balc"`
		} `json:"accounts"`
	}
	a, err := x.get("/v1/persons/" + psnNo)
	if err == nil {
		err = decode(a, &p)
	}
	if err != nil || len(p.Accounts) == 0 {
		return 0, err
	}
	return p.Accounts[0].Balance, nil
}

// checkTotals is P1: the trial balance is 0 and each sum is what the books say.
func (u *truth) checkTotals(t *testing.T, x *server) {
	t.Helper()
	var r struct {
		Totals struct {
			Personal    fen `json:"personal"`
			Institution fen `json:"institution_payable"`
			Funding     fen `json:"funding"`
		} `json:"totals"`
		Sum fen `json:"sum"`
	}
	a, err := x.get("/v1/ledger/totals")
	if err == nil {
		err = decode(a, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	held, owed := fen(0), fen(0)
	for _, f := range u.families {
		held += f
	}
	for _, o := range u.owed {
		owed += o
	}
	if r.Sum != 0 || r.Totals.Personal != held || abs(r.Totals.Institution) != owed || abs(r.Totals.Funding) != u.credits || held+owed != u.credits {
		u.complain(&u.twice, "totals %s, by the books accounts %s, institutions %s, brought in %s", a.body, held, owed, u.credits)
	}
}

func abs(f fen) fen { return max(f, -f) }

// checkHouses compares what each institution is owed.
func (u *truth) checkHouses(t *testing.T, x *server) {
	t.Helper()
	day := func(at time.Time) string { return at.UTC().Add(8 * time.Hour).Format(time.DateOnly) }
	for k := range u.world.Institutions() {
		code := u.world.Institution(k).Code
		var r struct {
			Net struct {
				Acct fen `json:"acct_pay"`
			} `json:"net"`
		}
		a, err := x.get(fmt.Sprintf("/v1/institutions/%s/clearing?from=%s&to=%s", code, day(u.began), day(time.Now())))
		if err == nil {
			err = decode(a, &r)
		}
		if err != nil {
			t.Fatalf("clearing of %s: %v", code, err)
		}
		if r.Net.Acct != u.owed[code] {
			u.complain(&u.twice, "institution %s is owed %s, by the books %s", code, r.Net.Acct, u.owed[code])
		}
	}
}

// conflicts sends other bills under ids that were used: each is refused and its sender learns nothing of the first (P5).
func (u *truth) conflicts(t *testing.T, x *server, lines []*line) (n int64) {
	t.Helper()
	last := map[string]*line{}
	for _, l := range lines {
		if l.Kind != kindSettle || l.State != stateDone {
			continue
		}
		if other := last[l.Code]; other != nil && other.Who != l.Who && n < conflictsMax {
			body := strings.Replace(string(l.Body), l.Msgid, other.Msgid, 1)
			a, err := x.post(l.Path, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if n++; a.status != 409 || strings.Contains(string(a.body), other.ID) {
				u.complain(&u.differs, "another bill under %s: %d %s", other.Msgid, a.status, a.body)
			}
		}
		last[l.Code] = l
	}
	return n
}

// conflictsMax a round are enough: the path is the same for all.
const conflictsMax = 5

// proveWith replays the whole log of the stopped server and looks up every settlement of the books.
func (u *truth) proveWith(t *testing.T, s *setup) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acked")
	if _, err := writeAcked(path, u.lines); err != nil {
		t.Fatal(err)
	}
	verify(t, s, path)
}

// report logs what is wrong.
func (u *truth) report(t *testing.T) {
	t.Helper()
	for _, s := range u.told {
		t.Error(s)
	}
}

// askers ask at once; the server's own limits are far above.
const askers = 16

// parallel calls do for 0 to n-1 from some goroutines and gives their first errors.
func parallel(n int, do func(i int) error) error {
	errs := make([]error, askers)
	var wg sync.WaitGroup
	for k := range askers {
		wg.Go(func() {
			for i := k; i < n && errs[k] == nil; i += askers {
				errs[k] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
