package policy

import (
	"math/rand/v2"
	"testing"

	"gongji/engine/ledger"
)

// TestLedgerTakesAll: what Parse takes, the ledger takes; and what Parse calls impossible by clauses that the ledger has too, the ledger refuses.
func TestLedgerTakesAll(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var shipped []*Profile
	for _, name := range Names {
		shipped = append(shipped, MustShipped(name))
	}
	taken, refused := 0, 0
	for range 2000 {
		p := new(Profile)
		*p = *shipped[rng.IntN(len(shipped))] // its lists are replaced, never changed
		for range 1 + rng.IntN(4) {
			i := rng.IntN(len(profileFields))
			randomValue(rng, &profileFields[i].form, profileFields[i].at(p))
		}
		row := p.Ledger()
		back, err := Parse("f", p.Canonical())
		if err != nil {
			refused++
			continue
		}
		taken++
		if !row.Check() || back.Ledger() != row {
			t.Fatalf("the ledger refuses, or reads anew as another:\n%s", p.Canonical())
		}
	}
	if taken < 300 || refused < 300 {
		t.Fatalf("%d taken, %d refused: one side was hardly tried", taken, refused)
	}
}

func randomValue(rng *rand.Rand, f *form, at any) {
	some := func() (list []string) {
		for _, w := range f.words {
			if rng.IntN(2) == 0 {
				list = append(list, w)
			}
		}
		return list
	}
	switch v := at.(type) {
	case *bool:
		*v = rng.IntN(2) == 0
	case *int64:
		if *v = f.min + rng.Int64N(f.max-f.min+1); f.kind == anAmount {
			*v = 1 + rng.Int64N(ledger.AmountMax)
		}
		if f.none && rng.IntN(3) == 0 {
			*v = None
		}
	case *string:
		switch {
		case f.words != nil:
			*v = f.words[rng.IntN(len(f.words))]
		case f.pattern == monthDayPattern:
			*v = []string{NoText, "02-29", "12-31", "09-01"}[rng.IntN(4)]
		case f.pattern == provincePattern:
			*v = []string{"00", "11", "42", "82"}[rng.IntN(4)]
		case f.none:
			*v = []string{NoText, "2"}[rng.IntN(2)]
		}
	case *[]string:
		if *v = some(); f.pattern == provincePattern {
			*v = [][]string{nil, {"43"}, {"11", "62"}}[rng.IntN(3)]
		}
	}
}

// TestFaceAge: L4, the boundary belongs to either side.
func TestFaceAge(t *testing.T) {
	p := MustShipped("gansu")
	if got := p.Ledger().FaceFromAge; got != 16 {
		t.Errorf("from %d, want 16", got)
	}
	p.FaceAgeInclusive = false
	if got := p.Ledger().FaceFromAge; got != 17 {
		t.Errorf("from %d, want 17", got)
	}
	p.FaceRequiredFromAge = None
	if got := p.Ledger().FaceFromAge; got != 0 {
		t.Errorf("from %d, want nobody", got)
	}
}

// TestLedgerRow: names become the ledger's codes.
func TestLedgerRow(t *testing.T) {
	row := MustShipped("hubei").Ledger()
	const wechat, alipay, ehuiban, hall = 1 << 1, 1 << 2, 1 << 3, 1 << 6
	if row.Channels != wechat|alipay|ehuiban|hall || row.Counters != hall || row.Evouchers != wechat|alipay|ehuiban ||
		row.Logins != [ledger.Logins]uint32{wechat | alipay | ehuiban, wechat | alipay | ehuiban, 0, hall} {
		t.Errorf("channels %b counters %b e-vouchers %b logins %b", row.Channels, row.Counters, row.Evouchers, row.Logins)
	}
	if narrow := MustShipped("hubei-narrow").Ledger(); narrow.Relations != 1<<1|1<<2|1<<5 || row.Relations != 1<<1|1<<2|1<<4|1<<5|1<<6|1<<7 {
		t.Errorf("relations %b and %b", narrow.Relations, row.Relations)
	}
	cross := MustShipped("hubei")
	cross.Territory, cross.AgreedProvinces = "cross_province", []string{"43", "65"}
	if c := cross.Ledger(); c.Territory != ledger.CrossProvince || c.Province != 42 || !c.HasAgreed(43) || !c.HasAgreed(65) || c.HasAgreed(44) || !c.Check() {
		t.Errorf("%+v", c)
	}
	if row.Strategy != ledger.Random || row.Parts != ledger.PartInscp|ledger.PartPreselfpay || row.Places != ledger.PlaceInstitution|ledger.PlacePharmacy {
		t.Errorf("%+v", row)
	}
}
