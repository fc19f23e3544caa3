package ledger

import "testing"

// TestAmountsWrap: R1, P2: a part above the limit is refused before anything is added, also where the sum comes out right because it wraps. It must catch
// the seeded defect "amount check with wrap-around".
// T20: defect_amount_wraps.
func TestAmountsWrap(t *testing.T) {
	const quarter = int64(1) << 62 // four of them add to 0
	for name, in := range map[string]BillInput{
		"parts":   {Medfee: 10, Fulamt: quarter, Overlmt: quarter, Preselfpay: quarter, Inscp: quarter + 10},
		"two":     {Medfee: 10, Overlmt: 1<<63 - 1, Inscp: 1<<63 - 1, Preselfpay: 12},
		"limit":   {Medfee: AmountMax + 1, Inscp: AmountMax + 1},
		"fund":    {Medfee: 10, Inscp: 10, Fund: 1<<63 - 1, HospPart: 1<<63 - 1},
		"medfee":  {Medfee: 1<<63 - 1, Inscp: 1<<63 - 1},
		"below 0": {Medfee: 10, Inscp: 20, Fulamt: -10},
	} {
		if o := checkAmounts(&in, &Bill{}); o != AmountRange {
			t.Errorf("%s: %s, want %s", name, o, AmountRange)
		}
	}
	all := BillInput{Medfee: AmountMax, Inscp: AmountMax, Fund: AmountMax}
	var b Bill
	if o := checkAmounts(&all, &b); o != 0 || b.PsnPart != 0 {
		t.Errorf("the largest bill: %s, the person bears %d", o, b.PsnPart)
	}
}
