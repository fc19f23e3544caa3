//go:build !race

package strictjson

import (
	"strings"
	"testing"
)

func TestAllocs(t *testing.T) {
	var d Decoder
	var a Appender
	var in settlement
	plainBody := []byte(sample)
	escaped := []byte(strings.Replace(sample, "王芳", `\u738b\u82b3`, 1))
	if n := testing.AllocsPerRun(1000, func() {
		in = settlement{}
		if decodeSettlement(&d, plainBody, &in) != nil || decodeSettlement(&d, escaped, &in) != nil {
			t.Fatal("sample refused")
		}
		answer(&a, &in)
	}); n != 0 {
		t.Fatalf("%v allocations, want 0", n)
	}
}

// answer writes what POST /v1/settlements answers.
func answer(a *Appender, in *settlement) {
	a.Reset()
	a.Begin()
	a.String("setl_id", "S0000000010007$")
	a.Amount("psn_part_amt", in.fee-in.fund)
	a.Amount("acct_pay", in.expectedAcct)
	a.Amount("acct_mulaid_pay", in.expectedAcct)
	a.Amount("psn_cash_pay", in.expectedCash)
	a.Amount("balc", 0)
	a.String("clr_type", "41")
	a.Time("setl_time", 1769826030500)
	a.Uint("sequence", 4711)
	a.End()
}

func BenchmarkDecodeSettlement(b *testing.B) {
	var d Decoder
	var in settlement
	body := []byte(sample)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := decodeSettlement(&d, body, &in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendAnswer(b *testing.B) {
	var a Appender
	in := settlement{fee: 46000, fund: 27600, expectedAcct: 18400}
	b.ReportAllocs()
	for b.Loop() {
		answer(&a, &in)
	}
	b.SetBytes(int64(len(a.B)))
}
