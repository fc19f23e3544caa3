package main

import (
	"encoding/hex"
	"fmt"
	"strings"

	"gongji/api/drawproof"
	"gongji/bench/province"
)

func areaOf(admdvs string) int {
	for i, a := range province.Areas {
		if a == admdvs {
			return i
		}
	}
	panic("demo: area " + admdvs)
}

// midnight steps over the day's end, has the day key published, and recomputes every draw of X3 from it.
func (s *stage) midnight() error {
	if s.house == nil {
		s.say("  the clock of a running server is its own: ask GET /v1/settlements/{setl_id}/draw tomorrow (%d draws of today wait for it)", len(s.draws))
		return nil
	}
	s.house.clock.overMidnight()
	if err := s.house.engine.Housekeep(); err != nil {
		return err
	}
	s.say("\n%s  a new day has begun", s.now().Format("2006-01-02 15:04"))
	s.must(len(s.draws) > 0, "no draw was seen during the day")
	for i := range s.draws {
		if err := s.proveDraw(&s.draws[i], i == len(s.draws)-1); err != nil {
			return err
		}
	}
	s.say("       %d draws of the day recomputed from the published key: all as the accounts were debited", len(s.draws))
	return nil
}

// proveDraw recomputes one draw and holds the payments that follow from it against what the accounts showed.
func (s *stage) proveDraw(d *drawSeen, show bool) error {
	var p drawproof.Proof
	if err := s.business.get(pathSettlements+"/"+d.setlID+"/draw", &p); err != nil {
		return err
	}
	differs, err := p.Check(d.keyHash)
	s.must(err == nil && len(differs) == 0, "draw of %s: %v %v", d.setlID, err, differs)
	if err != nil || len(differs) > 0 {
		return nil
	}
	s.must(len(p.Candidates) == len(d.who), "draw of %s: %d candidates, %d relatives are bound", d.setlID, len(p.Candidates), len(d.who))
	key, _ := hex.DecodeString(*p.Key) // checked
	order := drawproof.Order(key, p.Sequence, p.Index, len(d.who))
	var rest fen
	for _, x := range d.paid {
		rest += x
	}
	paid, asked := make([]fen, len(d.who)), []string{}
	for _, i := range order {
		paid[i] = min(rest, d.before[i])
		rest -= paid[i]
		asked = append(asked, fmt.Sprintf("%s %s", s.people[d.who[i]].name, paid[i]))
	}
	for i := range paid {
		s.same("draw of "+d.setlID+": share of "+s.people[d.who[i]].name, paid[i], d.paid[i])
	}
	if show {
		s.say("       settlement %s = (sequence %d, index %d) of %s", d.setlID, p.Sequence, p.Index, p.Day)
		s.say("       hash told that day  %s", d.keyHash)
		s.say("       key told afterwards %s", *p.Key)
		s.say("       HMAC-SHA-256(key, sequence, index) asks in this order: %s", strings.Join(asked, ", then "))
	}
	return nil
}

// totals is the answer of GET /v1/ledger/totals.
type totals struct {
	Sequence uint64 `json:"sequence"`
	Totals   struct {
		Personal    fen `json:"personal"`
		Family      fen `json:"family"`
		Institution fen `json:"institution_payable"`
		Premium     fen `json:"premium_payable"`
		Owed        fen `json:"area_owed"`
		Claimed     fen `json:"area_claimed"`
		Bank        fen `json:"fund_bank"`
		Funding     fen `json:"funding"`
	} `json:"totals"`
	Sum         fen    `json:"sum"`
	StateHash   string `json:"state_hash"`
	EffectChain string `json:"effect_chain"`
}

// proof asks for the totals, and with a server of the demo's own stops it and replays the whole log.
func (s *stage) proof() error {
	var t totals
	if err := s.admin.get("/v1/ledger/totals", &t); err != nil {
		return err
	}
	s.say("  at sequence %d", t.Sequence)
	s.say("  %16s  on personal accounts", t.Totals.Personal)
	s.say("  %16s  on family accounts", t.Totals.Family)
	s.say("  %16s  owed to institutions", t.Totals.Institution)
	s.say("  %16s  owed as premiums", t.Totals.Premium)
	s.say("  %16s  owed by areas to others, claimed by those: %s", t.Totals.Owed, t.Totals.Claimed)
	s.say("  %16s  paid out by the fund bank", t.Totals.Bank)
	s.say("  %16s  brought in", t.Totals.Funding)
	s.say("  %16s  sum", t.Sum)
	s.say("  state hash   %s", t.StateHash)
	s.say("  effect chain %s", t.EffectChain)
	parts := t.Totals.Personal + t.Totals.Family + t.Totals.Institution + t.Totals.Premium + t.Totals.Owed + t.Totals.Claimed + t.Totals.Bank + t.Totals.Funding
	s.must(t.Sum == 0 && parts == 0, "the books sum to %s (%s by kinds), should be 0.00", t.Sum, parts)
	if s.house == nil {
		s.say("  gongji verify proves the same from the log, on the stopped directory")
		return nil
	}
	return s.replayed(&t)
}

// replayed stops the server and verifies its directory: the whole log again from its first record, by the serial rules; the same outcomes,
// balances and digests must come out.
func (s *stage) replayed(t *totals) error {
	if err := s.house.stop(); err != nil {
		return err
	}
	v, err := s.house.verify()
	if err != nil {
		s.must(false, "not verified: %v", err)
		return nil
	}
	s.say("\n  server stopped; gongji verify on its directory, from the first record of the log:")
	s.say("  %d batches, %d commands; %d journal blocks equal to the byte; %d postings fold to the balances held", v.Batches, v.Commands, v.Blocks, v.Postings)
	s.say("  %d persons, %d settlements, sum over all accounts %s", v.Persons, v.Settlements, fen(v.Totals.Sum()))
	s.say("  state hash   %x", v.StateHash)
	s.say("  effect chain %x", v.EffectChain)
	s.must(fmt.Sprintf("%x", v.StateHash) == t.StateHash && fmt.Sprintf("%x", v.EffectChain) == t.EffectChain && v.Batches == t.Sequence,
		"the replay ended in %x %x at %d, the server in %s %s at %d", v.StateHash, v.EffectChain, v.Batches, t.StateHash, t.EffectChain, t.Sequence)
	s.must(v.Totals.Sum() == 0, "the replayed books sum to %s", fen(v.Totals.Sum()))
	return nil
}
