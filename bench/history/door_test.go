package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"gongji/api/ids"
	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/sequencer"
)

// fate of a call, as far as the caller can tell.
type fate uint8

const (
	answered fate = iota
	free          // refused before the log: nothing happened and nothing will
	lost          // no answer: the outcome is unknown
)

// door is one way to the ledger. A call that is cut is sent, and its answer is not waited for.
type door interface {
	do(m *machine, c *Call, cut bool) (Answer, fate, error)
}

// institution of a message: the first call of the family decides it.
func messageID(c *Call, id int) string { return fmt.Sprintf("F%04dN%06d", c.Family, id) }

var outcomesOf = map[ledger.Outcome]Outcome{ledger.Accepted: Accepted, ledger.ShortOfFunds: ShortOfFunds, ledger.Blocked: Blocked, ledger.Tombstoned: Tombstoned,
	ledger.NothingToUndo: NothingToUndo, ledger.AlreadyReversed: AlreadyReversed, ledger.DuplicateBinding: Duplicate, ledger.NotBound: NotBound}

// submitDoor is engine.Submit and engine.Ask.
type submitDoor struct{}

func (submitDoor) do(m *machine, c *Call, cut bool) (Answer, fate, error) {
	if !c.Kind.Moves() {
		if cut {
			return Answer{}, lost, nil
		}
		return ask(m, c)
	}
	r := sequencer.NewRequest()
	cmd := commandOf(m, c)
	if !cmd.Kind.IsMoney() {
		r.Class = sequencer.Structural
	}
	r.Commands, r.Count = command.Append(nil, cmd, &command.Details{MedType: 11, Insutype: 390}), 1
	switch err := m.engine.Submit(r); {
	case errors.Is(err, sequencer.ErrBusy), errors.Is(err, engine.ErrStalled):
		return Answer{}, free, nil
	case err != nil:
		return Answer{}, lost, err
	}
	if cut {
		return Answer{}, lost, nil
	}
	if err := m.engine.Wait(r); err != nil {
		return Answer{}, lost, err
	}
	x, at := r.Results[0], r.Results[0].Position
	a := Answer{}
	if a.Repeat = x.Effect.Outcome == ledger.Repeated; a.Repeat {
		first, err := m.engine.Entry(x.Effect.First)
		if err != nil {
			return a, lost, err
		}
		x.Effect, x.Items, at = first.Effect, first.Items, first.Position
	}
	return a.of(c, &x, at)
}

// of fills an answer in from what the ledger decided.
func (a Answer) of(c *Call, x *sequencer.Result, at ledger.Position) (Answer, fate, error) {
	o, f := x.Effect.Outcome, &x.Effect
	if c.Kind == Unbind && o == ledger.Accepted {
		o = x.Items[0].Outcome
	}
	var known bool
	if a.Outcome, known = outcomesOf[o]; !known {
		return a, lost, fmt.Errorf("%v: outcome %v", c, o)
	}
	a.Sequence = at.Sequence()
	if a.Outcome != Accepted {
		return a, answered, nil
	}
	switch c.Kind {
	case Settle:
		a.Own, a.Mulaid, a.Cash, a.Balc, a.At = f.Own, f.Mulaid, f.Cash, f.Balc, uint64(at)
	case Reverse:
		a.Own, a.Mulaid, a.Balc = f.Own, f.Mulaid, f.Balc
	case Bind:
		a.Binding = int64(f.Number) + 1
	}
	return a, answered, nil
}

func commandOf(m *machine, c *Call) *ledger.Command {
	institution := ledger.NewCode([]byte(code(c.Family)))
	caller, person := institution.Bytes(), ledger.K([]byte(psnNo(c.Family, c.Member)))
	pseudonym := func(member int) ledger.Key {
		return m.engine.Pseudonym("01", []byte(certnoOf(c.Family, member)))
	}
	cmd := &ledger.Command{Person: person}
	switch c.Kind {
	case Settle, Preview:
		cmd.Kind, cmd.Institution, cmd.CredType, cmd.Other = ledger.KindSettlement, institution, ledger.CredentialCertificate, pseudonym(c.Member)
		cmd.UsedFlag, cmd.Refuse, cmd.Bill = 1, c.Refuse, ledger.BillInput{Medfee: c.Amount, Inscp: c.Amount}
	case Reverse:
		cmd.Kind, cmd.Institution, cmd.Original = ledger.KindReversalByMessage, institution, ledger.OriginalSettlement
		cmd.Other = ledger.K(caller, []byte(messageID(c, c.About)))
	case Bind:
		caller = []byte("wechat")
		cmd.Kind, cmd.Other, cmd.Relation, cmd.Channel, cmd.Login, cmd.Steps = ledger.KindBinding, pseudonym(c.Other), 5, 1, 1, ledger.StepDataConsent
		cmd.More = &ledger.More{Commitment: engine.Hubei.Commitment}
	case Unbind:
		caller = []byte("wechat")
		cmd.Kind, cmd.Channel, cmd.More = ledger.KindUnbinding, 1, &ledger.More{Bindings: []uint32{uint32(c.Binding - 1)}}
	case Credit:
		caller = []byte("bureau")
		cmd.Kind, cmd.Amount, cmd.Source = ledger.KindCredit, c.Amount, 2
	}
	cmd.ID = ledger.K(caller, []byte(messageID(c, c.ID)))
	return cmd
}

// ask is a question in one turn of the executor.
func ask(m *machine, c *Call) (a Answer, f fate, err error) {
	a.Outcome = Accepted
	var at ledger.Position
	wrong := m.engine.Ask(func(v engine.View) {
		a.Sequence = v.Sequence
		switch c.Kind {
		case Balance:
			n, _ := v.State.FindPerson(ledger.K([]byte(psnNo(c.Family, c.Member))))
			a.Balc = v.State.Persons.At(n).Balance
		case Look:
			a.look(v, c.Family)
		case Preview:
			var e ledger.Effect
			e, err = v.Preview(commandOf(m, c))
			a.Own, a.Mulaid, a.Cash, a.Balc = e.Own, e.Mulaid, e.Cash, e.Balc
		case Found:
			x, found := v.FindID(ledger.K([]byte(code(c.Family)), []byte(messageID(c, c.About))))
			switch {
			case !found:
				a.Outcome = NeverSeen
			case x.Tag == ledger.TagTombstone:
				a.Outcome = IsBlocked
			default:
				a.Outcome, at = IsSettled, x.Position
				if v.IsReversed(at) {
					a.Outcome = IsReversed
				}
			}
		}
	})
	if errors.Is(wrong, engine.ErrStalled) {
		return Answer{}, free, nil
	}
	if err = errors.Join(wrong, err); err != nil || at == 0 {
		if err != nil {
			return Answer{}, lost, err
		}
		return a, answered, nil
	}
	e, err := m.engine.Entry(at)
	if err != nil {
		return Answer{}, lost, err
	}
	if e.Effect.Outcome != ledger.Accepted {
		a.Outcome = IsRefused
		return a, answered, nil
	}
	a.Own, a.Mulaid, a.Cash, a.Balc = e.Effect.Own, e.Effect.Mulaid, e.Effect.Cash, e.Effect.Balc
	return a, answered, nil
}

// look reads a whole family.
func (a *Answer) look(v engine.View, family int) {
	for m := range Members {
		n, _ := v.State.FindPerson(ledger.K([]byte(psnNo(family, m))))
		a.Balances[m] = v.State.Persons.At(n).Balance
		for b := v.State.Persons.At(n).Draws; b != 0; b = v.State.Bindings.At(b - 1).NextDraw {
			if v.State.Bindings.At(b-1).State == ledger.Active {
				a.Bound = append(a.Bound, int64(b))
			}
		}
	}
	slices.Sort(a.Bound)
}

// httpDoor is /v1 over a socket.
type httpDoor struct{}

func (httpDoor) do(m *machine, c *Call, cut bool) (Answer, fate, error) {
	base, method, path, body := m.business, "POST", "", ""
	switch c.Kind {
	case Settle:
		path, body = "/v1/settlements", fmt.Sprintf(`{"msgid":%q,%s`, messageID(c, c.ID), billOf(c))
	case Preview:
		path, body = "/v1/settlements/preview", "{"+billOf(c)
	case Reverse:
		path, body = "/v1/reversals", fmt.Sprintf(`{"msgid":%q,"fixmedins_code":%q,"original_msgid":%q,"original_kind":"settlement","psn_no":%q}`, messageID(c, c.ID),
			code(c.Family), messageID(c, c.About), psnNo(c.Family, c.Member))
	case Bind:
		path, body = "/v1/bindings", fmt.Sprintf(`{"msgid":%q,"channel":"wechat","authorizer_psn_no":%q,"user_cert_type":"01","user_certno":%q,"relation":"5",`+
			`"auth":{"method":"evoucher","txn_no":"T1","time":"2026-03-10T11:58:00+08:00"},"data_consent_at":"2026-03-10T11:57:00+08:00",`+
			`"commitment":{"version":"1","accepted_at":"2026-03-10T11:59:00+08:00","declaration":"本人自愿"}}`, messageID(c, c.ID), psnNo(c.Family, c.Member), certnoOf(c.Family, c.Other))
	case Unbind:
		path, body = "/v1/unbindings", fmt.Sprintf(`{"msgid":%q,"channel":"wechat","authorizer_psn_no":%q,"binding_ids":[%q]}`, messageID(c, c.ID), psnNo(c.Family, c.Member),
			ids.Append(nil, ids.Binding, uint64(c.Binding-1)))
	case Credit:
		base, path = m.admin, "/v1/credits"
		body = fmt.Sprintf(`{"msgid":%q,"psn_no":%q,"amount":%q,"source":"opening","business_date":"2026-03-10"}`, messageID(c, c.ID), psnNo(c.Family, c.Member), money.Text(c.Amount))
	case Balance:
		method, path = "GET", "/v1/persons/"+psnNo(c.Family, c.Member)
	case Found:
		method, path = "GET", "/v1/settlements?fixmedins_code="+code(c.Family)+"&msgid="+messageID(c, c.About)
	}
	if cut {
		return Answer{}, lost, sendAndCut(base, method, path, body)
	}
	x, status, repeat, err := send(m.client, base, method, path, body)
	if err != nil {
		return Answer{}, lost, err
	}
	return read(c, x, status, repeat)
}

func billOf(c *Call) string {
	short := "cash"
	if c.Refuse {
		short = "refuse"
	}
	return fmt.Sprintf(`"fixmedins_code":%q,"psn_no":%q,"mdtrt_cert_type":"02","mdtrt_cert_no":%q,"med_type":"11","insutype":"390","medfee_sumamt":%q,"fund_pay_sumamt":"0.00",`+
		`"preselfpay_amt":"0.00","inscp_scp_amt":%q,"overlmt_selfpay":"0.00","fulamt_ownpay_amt":"0.00","on_shortfall":%q,"opter":"0001","opter_name":"收费员"}`,
		code(c.Family), psnNo(c.Family, c.Member), certnoOf(c.Family, c.Member), money.Text(c.Amount), money.Text(c.Amount), short)
}

// sendAndCut is a till whose line breaks when the request has left.
func sendAndCut(base, method, path, body string) error {
	host := strings.TrimPrefix(base, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, path, len(body), body)
	return errors.Join(err, conn.Close())
}

// told are the fields of all answers that matter here.
type told struct {
	Code, State string
	SetlID      string `json:"setl_id"`
	Acct        string `json:"acct_pay"`
	Mulaid      string `json:"acct_mulaid_pay"`
	Cash        string `json:"psn_cash_pay"`
	Balc        string `json:"balc"`
	Binding     string `json:"binding_id"`
	Sequence    uint64 `json:"sequence"`
	Asked       uint64 `json:"sequence_asked"`
	Results     []struct{ Result string }
	Accounts    []struct{ Balc string }
}

func send(client *http.Client, base, method, path, body string) (x told, status int, repeat bool, err error) {
	req, err := http.NewRequest(method, base+path, strings.NewReader(body))
	if err != nil {
		return x, 0, false, err
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return x, 0, false, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return x, 0, false, err
	}
	if err := json.Unmarshal(text, &x); err != nil {
		return x, 0, false, fmt.Errorf("%s %s: %w in %q", method, path, err, text)
	}
	return x, resp.StatusCode, resp.Header.Get("Idempotency-Replayed") == "true", nil
}

var (
	codesOf = map[string]Outcome{"short_of_funds": ShortOfFunds, "blocked": Blocked, "already_reversed": AlreadyReversed, "duplicate_binding": Duplicate,
		"not_bound": NotBound, "nothing_to_undo": NothingToUndo}
	statesOf = map[string]Outcome{"settled": IsSettled, "reversed": IsReversed, "refused": IsRefused, "blocked": IsBlocked, "never_seen": NeverSeen}
)

// read turns an answer of /v1 into what it says.
func read(c *Call, x told, status int, repeat bool) (a Answer, f fate, err error) {
	a = Answer{Outcome: Accepted, Repeat: repeat, Sequence: x.Sequence}
	switch {
	case status == 429 || status == 503:
		return Answer{}, free, nil
	case status == 504:
		return Answer{}, lost, nil
	case status == 422:
		known := false
		if a.Outcome, known = codesOf[x.Code]; !known {
			err = fmt.Errorf("%v: %d %s", c, status, x.Code)
		}
		return a, answered, err
	case status != 200:
		return a, lost, fmt.Errorf("%v: %d %s", c, status, x.Code)
	}
	switch c.Kind {
	case Reverse:
		switch x.State {
		case "blocked":
			a.Outcome = Tombstoned
			return a, answered, nil
		case "nothing_to_undo":
			a.Outcome = NothingToUndo
			return a, answered, nil
		}
	case Bind:
		n, err := ids.ParseBinding([]byte(x.Binding))
		a.Binding = int64(n) + 1
		return a, answered, err
	case Unbind:
		if x.Results[0].Result != "unbound" {
			a.Outcome = codesOf[x.Results[0].Result]
		}
		return a, answered, nil
	case Credit:
		return a, answered, nil
	case Balance:
		a.Balc, err = money.Parse(x.Accounts[0].Balc)
		return a, answered, err
	case Found:
		a.Outcome, a.Sequence = statesOf[x.State], x.Asked
		if a.Outcome != IsSettled && a.Outcome != IsReversed {
			return a, answered, nil
		}
	}
	return a, answered, a.figures(c, &x)
}

func (a *Answer) figures(c *Call, x *told) error {
	var acct int64
	for _, f := range []struct {
		to   *int64
		text string
	}{{&acct, x.Acct}, {&a.Mulaid, x.Mulaid}, {&a.Cash, x.Cash}, {&a.Balc, x.Balc}} {
		if f.text == "" && f.to == &a.Cash && c.Kind == Reverse {
			continue
		}
		n, err := money.Parse(f.text)
		if err != nil {
			return fmt.Errorf("%v: %q: %w", c, f.text, err)
		}
		*f.to = n
	}
	a.Own = acct - a.Mulaid
	if c.Kind == Settle {
		at, err := ids.ParseSettlement([]byte(x.SetlID))
		a.At = at
		return err
	}
	return nil
}
