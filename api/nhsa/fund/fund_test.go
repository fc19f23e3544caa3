package fund

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"gongji/api/money"
	"gongji/api/nhsa/tabfile"
)

const ratioFile = "gongji fund ratios 1\tdemo\n# invented\ninsutype\tmed_type\tfixmedins_type\thosp_lv\tbegndate\tenddate\tfund_ratio\n" +
	"310\t41\tany\tany\tnull2\tnull\t0.6\n" +
	"310\t11\t1\t3\t1970-01-01\t1970-01-31\t0.5\n" +
	"310\t11\t1\t3\t1970-02-01\tnull\t0.55\n" +
	"310\t11\tany\tany\t1970-01-01\tnull\t0.7\n" +
	"390\tany\tany\tany\t1970-01-01\tnull\t0.3333\n"

func ratios(t testing.TB) *Ratios {
	t.Helper()
	r, err := LoadRatios(strings.NewReader(strings.Replace(ratioFile, "null2", "1970-01-01", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// R3: fixed ratio by kind of care and insurance; X1's fund share.
func TestRatios(t *testing.T) {
	r := ratios(t)
	for _, x := range []struct {
		bill        Bill
		fund, ratio int64
	}{
		{Bill{Insutype: 310, MedType: 41, InstitutionType: 2, Inscp: 46000}, 27600, 6000},                                               // X1
		{Bill{Insutype: 310, MedType: 41, InstitutionType: 2, Inscp: 46000, Fulamt: 4500, Overlmt: 500, Preselfpay: 2000}, 27600, 6000}, // X1b
		{Bill{Insutype: 310, MedType: 11, InstitutionType: 1, HospLevel: 3, Day: 30, Inscp: 101}, 51, 5000},                             // half a fen up
		{Bill{Insutype: 310, MedType: 11, InstitutionType: 1, HospLevel: 3, Day: 31, Inscp: 100}, 55, 5500},
		{Bill{Insutype: 310, MedType: 11, InstitutionType: 1, HospLevel: 2, Day: 31, Inscp: 100}, 70, 7000},
		{Bill{Insutype: 310, MedType: 11, InstitutionType: 1, HospLevel: 3, Day: -1, Inscp: 100}, 0, 0}, // before any row
		{Bill{Insutype: 390, MedType: 2101, InstitutionType: 1, Inscp: 10000}, 3333, 3333},
		{Bill{Insutype: 390, MedType: 2101, Inscp: money.Max}, 3_333_000_000_000_000, 3333}, // 9999999999999999 x 0.3333 = 3332999999999999.67
		{Bill{Insutype: 340, MedType: 11, Inscp: 100}, 0, 0},
		{Bill{Insutype: 310, MedType: 41, Fulamt: 100}, 0, 6000},
	} {
		got, err := r.Calculate(context.Background(), &x.bill)
		if err != nil || got.Fund != x.fund || got.Ratio != x.ratio || got.HospPart != 0 || got.Version != r.Version() {
			t.Errorf("%+v: %+v %v, want %d at %d", x.bill, got, err, x.fund, x.ratio)
		}
	}
	if v := r.Version(); !strings.HasPrefix(v, "demo-") || len(v) > VersionMax {
		t.Errorf("version %q", v)
	}
}

// share agrees with the decimal arithmetic of money.MulRatio and never leaves 0..fen.
func TestShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(0, money.Max).Draw(t, "fen")
		ratio := rapid.Int64Range(0, ratioOne).Draw(t, "ratio")
		want, err := money.MulRatio(fen, decimal.New(ratio, -4))
		if got := share(fen, ratio); err != nil || got != want || got > fen {
			t.Fatalf("%d x %d = %d, want %d (%v)", fen, ratio, got, want, err)
		}
	})
}

// The shipped table gives X1 its fund share: 276.00 of 460.00.
func TestDemo(t *testing.T) {
	r, err := MustDemo().Calculate(context.Background(), &Bill{Insutype: 310, MedType: 11, InstitutionType: 1, HospLevel: 3, Day: 20522, Inscp: 46000})
	if err != nil || r.Fund != 27600 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNone(t *testing.T) {
	r, err := None{}.Calculate(context.Background(), &Bill{Inscp: 100})
	if err != nil || r != (Result{Version: "none"}) {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNotABill(t *testing.T) {
	ext, err := NewExternal(ExternalOptions{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer ext.Close()
	for _, b := range []Bill{{Fulamt: -1}, {Overlmt: -1, Inscp: 5}, {Preselfpay: -1}, {Inscp: -1}, {Inscp: money.Max + 1}, {Inscp: money.Max, Fulamt: 1}} {
		for name, c := range map[string]Calculator{"none": None{}, "ratios": ratios(t), "external": ext} {
			if r, err := c.Calculate(context.Background(), &b); !errors.Is(err, ErrBill) || r != (Result{}) {
				t.Errorf("%s: %+v: %+v %v", name, b, r, err)
			}
		}
	}
	if _, err := ratios(t).Calculate(context.Background(), &Bill{Insutype: 1 << 31}); !errors.Is(err, ErrBill) {
		t.Errorf("insutype: %v", err)
	}
}

func TestRatioFaults(t *testing.T) {
	good := strings.Replace(ratioFile, "null2", "1970-01-01", 1)
	for _, x := range []struct{ text, want string }{
		{ratioFile, "line 4: begndate: is no date"},
		{good + "310\t11\t2\t1\t1980-01-01\tnull\t0.1\n", "line 9: insutype: line 7 fits every bill"},
		{good + "310\t12\t2\t1\t1980-01-01\t1979-12-31\t0.1\n", "line 9: enddate: is before begndate"},
		{good + "310\t12\t2\t1\t1980-01-01\tnull\t1.1\n", "line 9: fund_ratio: is above"},
		{good + "310\t12\t2\t1\t1980-01-01\tnull\t0.00001\n", "line 9: fund_ratio: is no number"},
		{good + "all\t12\t2\t1\t1980-01-01\tnull\t0.1\n", "line 9: insutype: is no number"},
		{good + "1000000\t12\t2\t1\t1980-01-01\tnull\t0.1\n", "line 9: insutype: is above"},
	} {
		_, err := LoadRatios(strings.NewReader(x.text))
		var faults tabfile.Faults
		if !errors.As(err, &faults) || len(faults) != 1 || !strings.HasPrefix(err.Error(), x.want) {
			t.Errorf("%v, want %q", err, x.want)
		}
	}
}
