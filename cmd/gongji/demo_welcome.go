package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gongji/bench/province"
)

// The family of the printed curl: known numbers, the same at every start.
const (
	welcomeSerial  = 1
	welcomePatient = "xiaoman"
	welcomeSharer  = "linhui"
	welcomeOpening = fen(5000_00)
)

// demoSeed is the province of serve --demo.
const demoSeed = 1

// demoWelcome makes sure that the server at the two addresses holds the demo province and the curl's family, and prints how to begin. A
// second start finds both and loads nothing. An address is host:port. signKeys is the key file of the national interface, empty: none.
func demoWelcome(w io.Writer, business, admin string, persons int, signKeys string) error {
	if persons < demoPersonsMin || persons > province.MaxPersons {
		return fmt.Errorf("demo province of %d persons, must be %d to %d", persons, demoPersonsMin, province.MaxPersons)
	}
	p := province.New(demoSeed, persons)
	s := newStage(context.Background(), w, "http://"+business, "http://"+admin, p, nil)
	defer s.close()
	family := []*actor{s.people[welcomePatient], s.people[welcomeSharer]}
	for i, a := range family {
		a.number(welcomeSerial + uint64(i))
	}
	loaded, err := s.known(family[1].psnNo)
	if err != nil {
		return err
	}
	if !loaded {
		if err := s.mayLoad(p); err != nil {
			return err
		}
		if err := s.welcomeLoad(p, family); err != nil {
			return fmt.Errorf("demo province: %w", err)
		}
	}
	if err := s.topUp(family[1]); err != nil {
		return err
	}
	s.printWelcome(business, admin)
	return s.printNational(business, signKeys)
}

// known asks whether a person is in the ledger.
func (s *stage) known(psnNo string) (bool, error) {
	err := s.admin.get("/v1/persons/"+psnNo, nil)
	if isProblem(err, "not_found") {
		return false, nil
	}
	return err == nil, err
}

// errOthersLedger says that a ledger holds something that is not the demo's.
var errOthersLedger = errors.New("the ledger holds money but not the demo province: serve --demo wants an empty ledger, or its own")

// mayLoad lets an empty ledger pass, and one into which the load of this province was cut off.
func (s *stage) mayLoad(p *province.Province) error {
	begun, err := s.known(p.PsnNo(0))
	if err != nil || begun {
		return err
	}
	var t totals
	if err := s.admin.get("/v1/ledger/totals", &t); err != nil {
		return err
	}
	if t.Totals.Funding != 0 {
		return errOthersLedger
	}
	return nil
}

// welcomeLoad loads the province and then the family, its sharer last: who finds her knows that all is there.
func (s *stage) welcomeLoad(p *province.Province, family []*actor) error {
	start := time.Now()
	im := newImporter(s.admin, 1, demoPatience, os.Stderr)
	lines := int64(0)
	for _, l := range provinceLoads(p, demoSeed) {
		t, err := im.run(context.Background(), l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		if n := t.refusedLines(); n > 0 {
			return fmt.Errorf("%s: %d lines were refused: %v", l.what, n, t.by)
		}
		lines += t.lines
	}
	for _, a := range family {
		if _, err := s.admin.post("/v1/persons", a.person(), nil); err != nil && !isProblem(err, "person_exists") {
			return err
		}
	}
	s.say("Loaded the demo province: %d persons, %d lines in %.1f s.", p.Persons(), lines, time.Since(start).Seconds())
	return nil
}

// topUp binds the family, if it is not yet, and brings the shared account back to 5,000.00, so that the printed call answers X1 at every start.
func (s *stage) topUp(sharer *actor) error {
	b := shares[0]
	if _, err := s.business.post("/v1/bindings", binding(s.msgid(), s.people[b.authorizer], s.people[b.user], b.relation, s.now()), nil); err != nil &&
		!isProblem(err, "duplicate_binding") {
		return err
	}
	have, err := s.balance(welcomeSharer)
	if err != nil {
		return err
	}
	if missing := welcomeOpening - have; missing > 0 {
		return s.credit(sharer, missing)
	}
	return nil
}

func (s *stage) printWelcome(business, admin string) {
	o := s.order(&worked[0]) // X1 at the first hospital of the first area
	body, err := json.Marshal(o)
	if err != nil {
		panic("BUG: an order is not JSON: " + err.Error())
	}
	s.say(`
%s has no account of her own; her mother %s shares hers (5000.00).
A hospital settles a bill of 460.00, of which the fund pays 276.00:

  curl -s http://%s%s -H 'Content-Type: application/json' -d '%s'

The answer: acct_pay 184.00, acct_mulaid_pay 184.00, psn_cash_pay 0.00. Send it again: the same answer, and nothing is paid twice.

For operators:
  curl -s http://%s/readyz
  curl -s http://%s/metrics
  curl -s http://%s/v1/ledger/totals
`, s.people[welcomePatient].name, s.people[welcomeSharer].name, business, pathSettlements, body, admin, admin, admin)
}
