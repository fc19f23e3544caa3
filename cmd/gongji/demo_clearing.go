package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// bookPlace is the institution of the story that keeps a book of its own: everything there is told to the stage.
const bookPlace = "pharmacy2"

// ownLine is a line of it, as POST …/reconciliation takes it; a refund's amounts are negative.
type ownLine struct {
	Msgid  string `json:"msgid"`
	SetlID string `json:"setl_id"`
	Refund string `json:"refd_setl_flag"`
	Fee    fen    `json:"medfee_sumamt"`
	Fund   fen    `json:"fund_pay_sumamt"`
	Acct   fen    `json:"acct_pay"`
	Cash   fen    `json:"psn_cash_pay"`
}

// note enters a bill into the book if it is the book's institution's.
func (s *stage) note(code string, l *ownLine) {
	if code == s.places[bookPlace].code {
		s.book = append(s.book, *l)
	}
}

// noteRefund enters a cancel of a bill that the book has.
func (s *stage) noteRefund(msgid, setlID string) {
	for _, l := range s.book {
		if l.SetlID == setlID {
			s.book = append(s.book, ownLine{Msgid: msgid, SetlID: setlID, Refund: "1", Fee: -l.Fee, Fund: -l.Fund, Acct: -l.Acct, Cash: -l.Cash})
			return
		}
	}
}

// clearing: the day closes when the next one is over, a pharmacy's own book is level with the ledger's, and it is paid.
func (s *stage) clearing() error {
	if s.house == nil {
		s.say("  the day of a running server closes when its next day is over: then POST /v1/institutions/{code}/clearings pays it out")
		return nil
	}
	day := s.now().AddDate(0, 0, -1).Format(time.DateOnly)
	s.house.clock.overMidnight()
	if err := s.house.engine.Housekeep(); err != nil {
		return err
	}
	s.say("%s  %s is closed and never changes any more", s.now().Format("2006-01-02 15:04"), day)
	p := s.places[bookPlace]
	path, days := "/v1/institutions/"+p.code, "?from="+day+"&to="+day
	if err := s.compareBook(p, path+"/reconciliation"+days); err != nil {
		return err
	}
	type sums struct {
		Count int `json:"count"`
		Acct  fen `json:"acct_pay"`
	}
	var t struct {
		Net     sums `json:"net"`
		Refunds sums `json:"refunds"`
	}
	if err := s.business.get(path+"/clearing"+days, &t); err != nil {
		return err
	}
	var own fen
	for _, l := range s.book {
		own += l.Acct
	}
	s.must(t.Net.Count == len(s.book) && t.Net.Acct == own && t.Refunds.Count > 0, "totals of %s: %+v, its own book has %d rows and %s", p.name, t, len(s.book), own)
	body := map[string]any{"msgid": s.msgid(), "from": day, "to": day, "amount": own + 1}
	_, err := s.admin.post(path+"/clearings", body, nil)
	if err := s.refused("a fen too much", err, "clearing_differs"); err != nil {
		return err
	}
	body["amount"] = own
	if _, err := s.admin.post(path+"/clearings", body, nil); err != nil {
		return err
	}
	s.say("     %10s  paid out to it, %s given back among it", own, -t.Refunds.Acct)
	return nil
}

// compareBook sends the pharmacy's own lines: both sides must have the same.
func (s *stage) compareBook(p place, path string) error {
	var body []byte
	for i := range s.book {
		text, err := json.Marshal(&s.book[i])
		if err != nil {
			return err
		}
		body = append(append(body, text...), '\n')
	}
	a, err := s.business.send(s.business.ctx, http.MethodPost, path, mediaNDJSON, body)
	if err != nil {
		return err
	}
	if !a.ok() {
		return fmt.Errorf("reconciliation: %w", a.problem())
	}
	var r struct {
		Level bool `json:"level"`
		Days  []struct {
			Closed bool `json:"closed"`
		} `json:"days"`
	}
	if err := json.Unmarshal(a.body, &r); err != nil {
		return err
	}
	s.must(r.Level && len(r.Days) == 1 && r.Days[0].Closed, "%s is not level, or its day not closed: %s", p.name, a.body)
	s.say("  %s sends its own %d rows: level, nothing on one side only, no field differs", p.name, len(s.book))
	return nil
}
