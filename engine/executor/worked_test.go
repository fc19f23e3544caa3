package executor_test

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"reflect"
	"slices"
	"testing"

	"gongji/bench/model"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/policy"
)

// Relations of the user to the authorizer (agnter_rlts).
const (
	isChild   = 2
	isParent  = 5
	isSibling = 7
)

// script gives commands one by one to the serial rules and to shards, which must agree.
type script struct {
	t        *testing.T
	runners  []*runner
	sequence uint64
	key      [32]byte
	channel  uint8 // one of the policy's that is no counter
	login    uint8 // a way to sign in that it has
}

func newScript(t *testing.T, p ledger.Policy) *script {
	s := &script{t: t, key: sha256.Sum256([]byte("worked figures"))}
	for _, shards := range []int{0, 1, 2, 4, 8} {
		r := newRunner(shards)
		t.Cleanup(r.executor.Close)
		s.runners = append(s.runners, r)
	}
	s.channel = uint8(bits.TrailingZeros32(p.Channels &^ p.Counters))
	for i, channels := range p.Logins {
		if ledger.In(channels, s.channel) {
			s.login = uint8(i + 1)
		}
	}
	// How a binding comes about is not what these figures are about: no invitation, no letter, no review.
	p.ConsentRequired, p.ConsentDays, p.FaceFromAge, p.DataConsentRequired, p.OfflineReview = 0, 0, 0, 0, 0
	p.Commitment, p.CommitmentEachTime, p.Questions, p.EffectiveFrom = ledger.Key{}, 0, ledger.Key{}, 0
	s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindGenesis, More: &ledger.More{}})
	s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindPolicy, More: &ledger.More{Policy: p}})
	for n, code := range []string{"H1", "P1"} {
		s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindInstitutionAdd, Institution: ledger.NewCode([]byte(code)), InstitutionOf: uint8(n + 1), More: &ledger.More{}})
	}
	return s
}

// do runs a command as a batch of its own.
func (s *script) do(want ledger.Outcome, cmd ledger.Command) (ledger.Effect, []int64) {
	s.t.Helper()
	s.sequence++
	b := model.Batch{Sequence: s.sequence, TimeMS: 1_768_406_400_000 + int64(s.sequence), DayKey: s.key[:]}
	payload := command.Append(command.BeginBatch(nil), &cmd, &command.Details{})
	command.EndBatch(payload, 1, b.TimeMS)
	var first ledger.Effect
	var amounts []int64
	for i, r := range s.runners {
		fx := r.run(s.t, b, payload)
		var legs []int64
		for _, l := range fx.LegsOf(&fx.List[0]) {
			legs = append(legs, l.Amount)
		}
		f := fx.List[0]
		f.LegAt, f.DrawAt = 0, 0
		if i == 0 {
			first, amounts = f, legs
		}
		if f != first || !reflect.DeepEqual(legs, amounts) {
			s.t.Fatalf("%s: %+v %v, serial %+v %v", r.name, f, legs, first, amounts)
		}
		if sum := r.state.Totals().Sum(); sum != 0 {
			s.t.Fatalf("%s: accounts add to %d", r.name, sum)
		}
	}
	if first.Outcome != want {
		s.t.Fatalf("kind %d: %v, want %v", cmd.Kind, first.Outcome, want)
	}
	return first, amounts
}

func psn(name string) ledger.Key  { return ledger.K([]byte("psn"), []byte(name)) }
func cert(name string) ledger.Key { return ledger.K([]byte("cert"), []byte(name)) }

// person adds an employee with an account and this much on it; below 0: a resident without one.
func (s *script) person(name string, fen int64) {
	s.t.Helper()
	p := ledger.Command{Kind: ledger.KindPerson, Person: psn(name), Other: cert(name), Area: 420100, Has: ledger.EvoucherActive,
		More: &ledger.More{Enrolments: []ledger.Enrolment{{Insutype: 390, PsnType: 11, Status: 1, Area: 420100, Begin: 1}}}}
	if fen >= 0 {
		p.Has |= ledger.HasAccount
		p.More.Enrolments[0].Insutype = ledger.InsutypeEmployee
	}
	s.do(ledger.Accepted, p)
	if fen > 0 {
		s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindCredit, Person: psn(name), Amount: fen, Source: 1})
	}
}

// share makes the relatives of the patient share what they have, each as the profile lets him: the first opens a family where there are
// families, and puts all he has into it.
func (s *script) share(c *worked, allocates bool, refusal ledger.Outcome) {
	s.t.Helper()
	for i, fen := range c.relatives {
		name := fmt.Sprint("relative ", i)
		s.person(name, fen)
		want := ledger.Accepted
		if refusal != 0 {
			want = refusal
		}
		if allocates && i == 0 {
			s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindFamilyOpen, Person: psn(name), Channel: s.channel, More: &ledger.More{}})
			s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindAllocation, Person: psn(name), Channel: s.channel, Amount: fen})
		} else if allocates {
			s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindFamilyOpen, Person: psn(name), Channel: s.channel, More: &ledger.More{}})
			want = ledger.InOtherFamily // L1
		}
		s.do(want, ledger.Command{Kind: ledger.KindBinding, Person: psn(name), Other: cert("patient"), Relation: c.relation, Order: uint16(i + 1), Channel: s.channel, Login: s.login, More: &ledger.More{}})
	}
}

// figures are what a bill comes to, in fen. legs nil: drawn, so only their sum is known.
type figures struct {
	outcome                    ledger.Outcome
	payable, own, mulaid, cash int64
	legs                       []int64
	binding                    ledger.Outcome // of the relatives' bindings, if refused
}

// worked is one bill and what every shipped profile makes of it, written out by hand.
type worked struct {
	name      string
	own       int64 // of the patient; -1: he has no account
	relatives []int64
	relation  uint8
	place     string
	bill      ledger.BillInput
	change    func(*ledger.Command)
	want      figures            // in every profile that is not named below
	but       map[string]figures // by profile
}

var (
	billX1  = ledger.BillInput{Medfee: 46000, Inscp: 46000, Fund: 27600}
	billX1b = ledger.BillInput{Medfee: 53000, Fulamt: 4500, Overlmt: 500, Preselfpay: 2000, Inscp: 46000, Fund: 27600}
	bill100 = ledger.BillInput{Medfee: 10000, Inscp: 10000}
	bill300 = ledger.BillInput{Medfee: 30000, Inscp: 30000}
)

func workedCases() []worked {
	expect := func(acct, cash int64) func(*ledger.Command) {
		return func(c *ledger.Command) { c.HasExpected, c.ExpectedAcct, c.ExpectedCash = true, acct, cash }
	}
	x1 := figures{ledger.Accepted, 18400, 0, 18400, 0, []int64{-18400}, 0}
	short := figures{ledger.Accepted, 30000, 0, 20005, 9995, []int64{-12000, -8005}, 0}
	shortDrawn, shortFamily := short, figures{ledger.Accepted, 30000, 0, 12000, 18000, []int64{-12000}, 0}
	shortDrawn.legs = nil
	return []worked{
		// X1, M1, M2: the bound father's own share comes from the daughter; the pharmacy is a place like the hospital (M3, K11).
		{"X1", -1, []int64{500000}, isParent, "H1", billX1, nil, x1, nil},
		{"X1 at a pharmacy", -1, []int64{500000}, isParent, "P1", billX1, nil, x1, nil},
		// X1b, K12, N5: full self-pay and over-limit are cash although there is money.
		{"X1b", -1, []int64{500000}, isParent, "H1", billX1b, nil, figures{ledger.Accepted, 20400, 0, 20400, 5000, []int64{-20400}, 0}, nil},
		{"X2", 0, []int64{30000}, isChild, "H1", bill100, nil, figures{ledger.Accepted, 10000, 0, 10000, 0, []int64{-10000}, 0}, nil},
		// X3, K2: own first (K3), then all in the set order, or in a drawn one, or the one family's account (K4, L1: only the first relative's).
		{"X3", 4010, []int64{12000, 8005, 50000}, isChild, "H1", bill300, nil, figures{ledger.Accepted, 30000, 4010, 25990, 0, []int64{-4010, -12000, -8005, -5985}, 0},
			map[string]figures{"hubei": {ledger.Accepted, 30000, 4010, 25990, 0, nil, 0}, "hubei-narrow": {ledger.Accepted, 30000, 4010, 25990, 0, nil, 0},
				"gansu": {ledger.Accepted, 30000, 4010, 12000, 13990, []int64{-4010, -12000}, 0}}},
		// K1, B3: a sibling is no relative in the narrow profile.
		{"sibling", -1, []int64{30000}, isSibling, "H1", bill100, nil, figures{ledger.Accepted, 10000, 0, 10000, 0, []int64{-10000}, 0},
			map[string]figures{"hubei-narrow": {ledger.Accepted, 10000, 0, 0, 10000, nil, ledger.RelationNotAllowed}}},
		// N2, N4, R5: no overdraft; the rest is cash, or the bill is refused whole.
		{"short", -1, []int64{12000, 8005}, isChild, "H1", bill300, nil, short, map[string]figures{"hubei": shortDrawn, "hubei-narrow": shortDrawn, "gansu": shortFamily}},
		{"short refused", -1, []int64{12000, 8005}, isChild, "H1", bill300, func(c *ledger.Command) { c.Refuse = true }, figures{outcome: ledger.ShortOfFunds}, nil},
		// R6: flag 0 uses no account; 1 and 2 are the same in every shipped profile.
		{"flag 0", 4010, []int64{500000}, isChild, "H1", billX1b, func(c *ledger.Command) { c.UsedFlag = 0 }, figures{ledger.Accepted, 0, 0, 0, 25400, nil, 0}, nil},
		{"flag 2", 4010, []int64{500000}, isChild, "H1", billX1b, func(c *ledger.Command) { c.UsedFlag = 2 }, figures{ledger.Accepted, 20400, 4010, 16390, 5000, []int64{-4010, -16390}, 0}, nil},
		// R4: a fen beside what was shown, and nothing is debited.
		{"expected", -1, []int64{500000}, isParent, "H1", billX1b, expect(20400, 5000), figures{ledger.Accepted, 20400, 0, 20400, 5000, []int64{-20400}, 0}, nil},
		{"expected less", -1, []int64{500000}, isParent, "H1", billX1b, expect(20399, 5001), figures{ledger.AmountChanged, 20400, 0, 20400, 5000, nil, 0}, nil},
		// R2: nothing payable settles with no legs; R1: parts that do not add up do not settle.
		{"nothing payable", 4010, []int64{500000}, isParent, "H1", ledger.BillInput{Medfee: 4500, Fulamt: 4500}, nil, figures{ledger.Accepted, 0, 0, 0, 4500, nil, 0}, nil},
		{"paid by the fund", 4010, []int64{500000}, isParent, "H1", ledger.BillInput{Medfee: 4500, Inscp: 4500, Fund: 4500}, nil, figures{ledger.Accepted, 0, 0, 0, 0, nil, 0}, nil},
		{"bill of nothing", 4010, nil, isParent, "H1", ledger.BillInput{}, nil, figures{outcome: ledger.AmountRange}, nil},
		{"parts beside the sum", 4010, nil, isParent, "H1", ledger.BillInput{Medfee: 4500, Inscp: 4499}, nil, figures{outcome: ledger.AmountParts}, nil},
		// R1: the hospital's share is not the person's; the fund is used up against inscp first, then preselfpay.
		{"hospital share", -1, []int64{500000}, isParent, "H1", ledger.BillInput{Medfee: 53000, Fulamt: 4500, Overlmt: 500, Preselfpay: 2000, Inscp: 46000, Fund: 47000, HospPart: 300}, nil,
			figures{ledger.Accepted, 1000, 0, 1000, 4700, []int64{-1000}, 0}, nil},
		// N3: no cap on one bill.
		{"large", -1, []int64{1_000_000_000}, isParent, "H1", ledger.BillInput{Medfee: 1_000_000_000, Inscp: 1_000_000_000}, nil,
			figures{ledger.Accepted, 1_000_000_000, 0, 1_000_000_000, 0, []int64{-1_000_000_000}, 0}, nil},
	}
}

var shippedProfiles = []string{"hubei", "hubei-narrow", "ordered", "gansu"}

// TestWorkedFigures: X1, X1b, X2, X3 and the rules around them (M1, M2, M3, M5, N1, N2, N3, N4, N5, K1, K2, K3, K11, K12, R1, R2, R4, R5, R6) in
// every shipped profile, by the serial rules and 1 to 8 shards.
func TestWorkedFigures(t *testing.T) {
	for _, name := range shippedProfiles {
		for _, c := range workedCases() {
			want, special := c.but[name]
			if !special {
				want = c.want
			}
			if name == "hubei" || name == "hubei-narrow" {
				if !special && len(c.relatives) > 1 && want.outcome == ledger.Accepted && want.mulaid > 0 {
					t.Fatalf("%s: drawn legs need figures of their own", c.name)
				}
			}
			t.Run(name+"/"+c.name, func(t *testing.T) { c.check(t, name, &want) })
		}
	}
}

func (c *worked) check(t *testing.T, profile string, want *figures) {
	s := newScript(t, policy.MustShipped(profile).Ledger())
	s.person("patient", c.own)
	s.share(c, profile == "gansu", want.binding)
	cmd := ledger.Command{Kind: ledger.KindSettlement, Person: psn("patient"), Other: cert("patient"), Institution: ledger.NewCode([]byte(c.place)), UsedFlag: 1, Bill: c.bill}
	if c.change != nil {
		c.change(&cmd)
	}
	f, legs := s.do(want.outcome, cmd)
	if got := (figures{f.Outcome, f.Payable, f.Own, f.Mulaid, f.Cash, nil, want.binding}); got.payable != want.payable || got.own != want.own || got.mulaid != want.mulaid || got.cash != want.cash {
		t.Errorf("%+v, want %+v", got, *want)
	}
	var sum int64
	for _, l := range legs {
		sum -= l
	}
	if want.outcome != ledger.Accepted {
		if len(legs) != 0 {
			t.Errorf("refused, and legs %v", legs)
		}
		return
	}
	if sum != want.own+want.mulaid || (want.legs != nil || sum == 0) && !slices.Equal(legs, want.legs) {
		t.Errorf("legs %v, want %v", legs, want.legs)
	}
	state := s.runners[0].state
	if n, _ := state.FindInstitution(&cmd.Institution); state.Institutions.At(n).Payable != sum {
		t.Errorf("the institution is owed %d fen, want %d", state.Institutions.At(n).Payable, sum)
	}
}

// TestCreatorPaysHimself: M8, D7: in Gansu the creator's own bill is paid by his own account, then by the family's.
func TestCreatorPaysHimself(t *testing.T) {
	s := newScript(t, policy.MustShipped("gansu").Ledger())
	s.person("creator", 50000)
	s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindFamilyOpen, Person: psn("creator"), Channel: s.channel, More: &ledger.More{}})
	s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindAllocation, Person: psn("creator"), Channel: s.channel, Amount: 40000})
	f, legs := s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindSettlement, Person: psn("creator"), Other: cert("creator"), Institution: ledger.NewCode([]byte("H1")), UsedFlag: 1, Bill: billX1})
	if f.Own != 10000 || f.Mulaid != 8400 || !slices.Equal(legs, []int64{-10000, -8400}) {
		t.Errorf("own %d, family %d, legs %v", f.Own, f.Mulaid, legs)
	}
}

// TestPremiumsByProfile: M6, M7, K13, R25: resident premiums of relatives, where the profile has them.
func TestPremiumsByProfile(t *testing.T) {
	for _, name := range shippedProfiles {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, policy.MustShipped(name).Ledger())
			s.person("patient", -1)
			c := worked{relatives: []int64{100000}, relation: isChild}
			s.share(&c, name == "gansu", 0)
			premium := ledger.Command{Kind: ledger.KindPremium, Person: psn("relative 0"), Other: psn("patient"), Source: 1, Period: 2026, Amount: 40000}
			resident := ledger.Accepted
			if name == "gansu" {
				resident = ledger.PremiumNotAllowed
			}
			f, legs := s.do(resident, premium)
			if resident == ledger.Accepted && (!slices.Equal(legs, []int64{-40000}) || f.Funding != 40000) {
				t.Errorf("legs %v, owed %d", legs, f.Funding)
			}
			premium.Source = 2
			s.do(ledger.PremiumNotAllowed, premium)
		})
	}
}

// TestInstitutionsOnly (M4, K11): Gansu's cautions can be read as hospitals only; then a pharmacy's bill is cash, and a hospital's is paid.
func TestInstitutionsOnly(t *testing.T) {
	p := policy.MustShipped("gansu").Ledger()
	p.Places = ledger.PlaceInstitution
	s := newScript(t, p)
	s.person("patient", 100_00)
	for place, want := range map[string]int64{"H1": 30_00, "P1": 0} {
		f, _ := s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindSettlement, Person: psn("patient"), Other: cert("patient"), Institution: ledger.NewCode([]byte(place)), UsedFlag: 1,
			Bill: ledger.BillInput{Medfee: 30_00, Inscp: 30_00}})
		if f.Own != want || f.Cash != 30_00-want {
			t.Errorf("%s: own %d cash %d, want own %d", place, f.Own, f.Cash, want)
		}
	}
}
