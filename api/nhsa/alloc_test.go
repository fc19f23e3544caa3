//go:build !race

package nhsa

import (
	"testing"

	"gongji/api/nhsa/catalogue"
	"gongji/engine/ledger"
)

func hotFace(t testing.TB) (*face, []byte) {
	e, _ := openEngine(t)
	f := newFace(e, Options{Classifier: catalogue.MustDemo(), Fund: testRatios(t)})
	f.places.byCode.Store(institutionOf(shopCode), place{kind: 2})
	f.knobs.untilMS.Store(noon * 2)
	p := someone{"42010000000001", certnoOf(1)}
	return f, []byte(sent{infno: "2102", msgid: shopCode + "202603101200000001", input: bought{who: p, total: "75.00", lines: threeLines}.input()}.body())
}

var hotResult = decided{position: ledger.At(123456, 78), timeMS: noon, effect: ledger.Effect{Kind: ledger.KindSettlement, Outcome: ledger.Accepted, Own: 2000, Mulaid: 4220, Cash: 1280}}

// hot is all that this package does for a 2102 but to wait for the engine.
func (f *face) hot(t testing.TB, body []byte) {
	m := f.messages.Get().(*message)
	m.gotMS, m.gone = noon, false
	x := f.read(m, body)
	if !x.bad() {
		m.begin(f)
		x = f.readPurchase(m, false)
	}
	if x.bad() {
		t.Fatalf("%s", x.appendText(nil))
	}
	m.decided = hotResult
	if x := f.answerPurchase(m, settlementID(m.position), purchaseID(m.position)); x.bad() {
		t.Fatal(x)
	}
	f.give(m)
}

// A 2102 of three lines allocates nothing of our own between its body and its answer, but for what the keyed pseudonym of the credential may.
func TestPurchaseAllocs(t *testing.T) {
	f, body := hotFace(t)
	f.hot(t, body)
	number := []byte(certnoOf(1))
	pseudonym := testing.AllocsPerRun(1000, func() { f.engine.Pseudonym(certIdentity, number) })
	all := testing.AllocsPerRun(1000, func() { f.hot(t, body) })
	t.Logf("%v allocations, of them %v in Pseudonym; %d bytes", all, pseudonym, len(body))
	if all != pseudonym {
		t.Errorf("%v allocations a purchase, of them %v in Pseudonym: want none of our own", all, pseudonym)
	}
}

// BenchmarkPurchaseWork is this package's own work for a 2102 of three lines: decode, classify, keys, encode, answer. No engine.
func BenchmarkPurchaseWork(b *testing.B) {
	f, body := hotFace(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		f.hot(b, body)
	}
}
