package executor_test

import (
	"reflect"
	"testing"

	"gongji/bench/model"
	"gongji/engine/command"
	"gongji/engine/ledger"
)

// together runs commands as one batch and gives their outcomes, the same for all runners.
func (s *script) together(commands ...ledger.Command) (outcomes []ledger.Outcome) {
	s.t.Helper()
	s.sequence++
	b := model.Batch{Sequence: s.sequence, TimeMS: 1_768_406_400_000 + int64(s.sequence), DayKey: s.key[:]}
	payload := command.BeginBatch(nil)
	for i := range commands {
		payload = command.Append(payload, &commands[i], &command.Details{})
	}
	command.EndBatch(payload, len(commands), b.TimeMS)
	for i, r := range s.runners {
		fx := r.run(s.t, b, payload)
		var got []ledger.Outcome
		for k := range fx.List {
			got = append(got, fx.List[k].Outcome)
		}
		if i == 0 {
			outcomes = got
		}
		if err := r.sameState(s.runners[0]); err != nil || !reflect.DeepEqual(got, outcomes) {
			s.t.Fatalf("%s: %v, serial %v: %v", r.name, got, outcomes, err)
		}
	}
	return outcomes
}

// TestRedoDemand: R11, R24: a redo debits the accounts of its settlement, and the creator of a family dissolved since; who spends the same money in the
// same batch, before or behind it, is decided in the order of the log. It catches a demand of the redo that is not counted.
func TestRedoDemand(t *testing.T) {
	policy := ledger.Policy{Version: 1, Strategy: ledger.Allocated, MaxFamilies: 1, SelfFirst: 1, Parts: 15, Places: 3, Relations: 1 << 1, CancelReversible: 1,
		Channels: 2, Logins: [4]uint32{2}}
	bill := func(id, name string, fen int64) ledger.Command {
		return ledger.Command{Kind: ledger.KindSettlement, ID: ledger.K([]byte(id)), Institution: ledger.NewCode([]byte("H1")), Person: psn(name), Other: cert(name),
			CredType: ledger.CredentialCertificate, UsedFlag: 1, Refuse: true, Bill: ledger.BillInput{Medfee: fen, Inscp: fen}}
	}
	undo := func(id, original string, kind ledger.OriginalKind) ledger.Command {
		return ledger.Command{Kind: ledger.KindReversalByMessage, ID: ledger.K([]byte(id)), Institution: ledger.NewCode([]byte("H1")), Person: psn("member"),
			Other: ledger.K([]byte(original)), Original: kind}
	}
	for name, dissolved := range map[string]bool{"a family's account": false, "its creator's": true} {
		t.Run(name, func(t *testing.T) {
			for _, redoFirst := range []bool{true, false} {
				s := newScript(t, policy)
				s.person("creator", 1000)
				s.person("member", 0)
				s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindFamilyOpen, Person: psn("creator"), Channel: 1, More: &ledger.More{}})
				s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindBinding, Person: psn("creator"), Other: cert("member"), Relation: 1, Channel: 1, Login: 1, More: &ledger.More{}})
				s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindAllocation, Person: psn("creator"), Channel: 1, Amount: 1000})
				s.do(ledger.Accepted, bill("bill", "member", 600))
				s.do(ledger.Accepted, undo("cancel", "bill", ledger.OriginalSettlement))
				if dissolved {
					s.do(ledger.Accepted, ledger.Command{Kind: ledger.KindFamilyDissolution, Person: psn("creator"), Channel: 1, More: &ledger.More{}})
				}
				redo, spend := undo("redo", "cancel", ledger.OriginalReversal), bill("spend", "creator", 900)
				if redoFirst {
					if got := s.together(redo, spend); got[0] != ledger.Accepted || got[1] != ledger.ShortOfFunds {
						t.Errorf("redo, then a bill: %v", got)
					}
					continue
				}
				if got := s.together(spend, redo); got[0] != ledger.Accepted || got[1] != ledger.ShortOfFunds {
					t.Errorf("a bill, then redo: %v", got)
				}
			}
		})
	}
}
