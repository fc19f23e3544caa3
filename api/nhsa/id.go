package nhsa

import (
	"gongji/api/ids"
	"gongji/engine/ledger"
)

// id is the text of an id; the zero id is none. setl_id is that of /v1: one id for both faces. It has 15 of the 30 characters.
type id [ids.Len]byte

const (
	// purchaseKind is the mdtrt_id of a pharmacy's purchase: its settlement's position under another letter.
	purchaseKind ids.Kind = 'D'
	// previewKind is the mdtrt_id of a preview, which the table wants and nothing takes in (nhsa-inpatient.md 4, rule 3).
	previewKind ids.Kind = 'Q'
	// An mdtrt_id of a visit is the position of the command that opened it under a letter for its kind.
	registrationKind ids.Kind = 'M'
	stayKind         ids.Kind = 'Z'
)

func settlementID(p ledger.Position) (x id) { ids.AppendSettlement(x[:0], uint64(p)); return x }

func purchaseID(p ledger.Position) (x id) { ids.Append(x[:0], purchaseKind, uint64(p)); return x }

func previewID(serial uint64) (x id) { ids.Append(x[:0], previewKind, serial); return x }

// positionMax is the last position the log's format can name; none is that high.
const positionMax = 1 << 63

// settlementAt reads a setl_id.
func settlementAt(text []byte) (ledger.Position, bool) {
	at, err := ids.ParseSettlement(text)
	return ledger.Position(at), err == nil && at <= positionMax
}

// isPurchase tells whether an mdtrt_id belongs to the purchase at a position.
func isPurchase(text []byte, p ledger.Position) bool {
	at, err := ids.Parse(purchaseKind, text)
	return err == nil && ledger.Position(at) == p
}

func visitID(k ids.Kind, p ledger.Position) (x id) { ids.Append(x[:0], k, uint64(p)); return x }

// visitAt reads the mdtrt_id of a visit of a kind.
func visitAt(k ids.Kind, text []byte) (ledger.Position, bool) {
	at, err := ids.Parse(k, text)
	return ledger.Position(at), err == nil && at != 0 && at <= positionMax
}

// visitKind is the letter of a visit.
func visitKind(k ledger.VisitKind) ids.Kind {
	if k == ledger.Stay {
		return stayKind
	}
	return registrationKind
}
