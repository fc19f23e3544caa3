package oracle_test

import (
	"math/rand/v2"
	"testing"

	"gongji/bench/model"
	"gongji/bench/oracle"
)

func possible() model.Policy {
	return model.Policy{Version: 1, Strategy: 1, PayableParts: 3, PayablePlaces: 3, AllowedRelations: 1 << 1, Channels: []uint8{1, 6}, Counters: []uint8{6},
		Logins: [4][]uint8{{1}, {1, 6}, nil, {6}}, Commitment: model.Key{1}}
}

func modelTakes(p model.Policy) bool {
	return model.New().Apply(model.Batch{Sequence: 1, TimeMS: 1, Commands: []model.Command{p}})[0].Outcome == model.Accepted
}

// TestImpossible: ledger and model refuse every clause of DESIGN.md 4, command 2, each by itself.
func TestImpossible(t *testing.T) {
	if p := oracle.Policy(possible()); !p.Check() || !modelTakes(possible()) {
		t.Fatal("the policy to be spoiled is impossible already")
	}
	for _, s := range model.Spoils {
		spoiled := s.Spoiled(possible())
		if p := oracle.Policy(spoiled); p.Check() {
			t.Errorf("%s: the ledger takes %+v", s.Name, p)
		}
		if modelTakes(spoiled) {
			t.Errorf("%s: the model takes %+v", s.Name, spoiled)
		}
	}
}

// TestPolicyCheckEqual: on policies with one to three knobs turned at random, ledger and model say the same.
func TestPolicyCheckEqual(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	taken, refused := 0, 0
	for range 100_000 {
		p := possible()
		for range 1 + rng.IntN(3) {
			turn(&p, rng)
		}
		row := oracle.Policy(p)
		ledgerTakes := row.Check()
		if ledgerTakes != modelTakes(p) {
			t.Fatalf("ledger says %v of %+v", ledgerTakes, p)
		}
		if ledgerTakes {
			taken++
		} else {
			refused++
		}
	}
	if taken < 10_000 || refused < 10_000 {
		t.Fatalf("%d taken, %d refused: one side was hardly tried", taken, refused)
	}
}

// turn sets one knob, or two that belong together, to some value in or near its range.
func turn(p *model.Policy, rng *rand.Rand) {
	upTo := func(most uint32) uint32 { return rng.Uint32N(most + 2) }
	flag := rng.IntN(2) == 0
	list := func() (codes []uint8) {
		for c := range uint8(32) {
			if rng.IntN(10) == 0 {
				codes = append(codes, c)
			}
		}
		return codes
	}
	turns := []func(){
		func() { p.Strategy, p.MaxFamilies = uint8(upTo(3)), upTo(1) },
		func() { p.MaxFamilies = upTo(32) },
		func() { p.AllocMax = rng.Int64N(3) - 1; p.AllocTimes = upTo(0) },
		func() { p.PayableParts, p.PayablePlaces = uint8(upTo(15)), uint8(upTo(3)) },
		func() { p.AllowedRelations = upTo(255) },
		func() { p.MinBindMonths, p.MaxAuthorizers, p.DayCloseMinutes = upTo(120), upTo(32), upTo(10_080) },
		func() { p.Channels = list() },
		func() { p.Counters, p.OfflineReview = list(), flag },
		func() { p.Evouchers = list() },
		func() { p.Logins[rng.IntN(4)] = list() },
		func() { p.ConsentRequired, p.ConsentDays = flag, upTo(1) },
		func() { p.ConsentDays, p.FaceFromAge = upTo(365), upTo(120) },
		func() { p.FaceFromAge = upTo(0) },
		func() { p.PasswordTries, p.LockMinutes = upTo(20), upTo(10_080) },
		func() { p.PasswordTries, p.LockMinutes = upTo(0), upTo(0) },
		func() { p.CommitmentEachTime, p.Commitment = flag, model.Key{uint8(upTo(0))} },
		func() { p.PremiumTypes = uint8(upTo(3)) },
		func() { p.PremiumFrom, p.PremiumUntil = upTo(1300), upTo(1300) },
		func() { p.PremiumTypes, p.PremiumFrom, p.PremiumUntil = 1, 100*upTo(12)+upTo(31), 1231 },
		func() { p.Categories = uint8(upTo(7)) },
		func() {
			p.RegistrationDays, p.RegistrationKeep, p.StayKeep = upTo(366), upTo(3660), upTo(3660)
			p.OpenVisits, p.VisitLines, p.VisitRows = upTo(256), upTo(100_000), upTo(1<<27-1)
		},
		func() { p.RegistrationDays, p.VisitLines = upTo(0), upTo(0) },
		func() { p.Territory, p.Province = uint8(upTo(2)), uint8(upTo(90)) },
		func() { p.Territory, p.Province, p.AgreedProvinces = 2, 42, []uint8{uint8(upTo(127)) % 128} },
	}
	turns[rng.IntN(len(turns))]()
}
