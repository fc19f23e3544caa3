package rest

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"gongji/api"
	"gongji/engine"
	"gongji/engine/ledger"
	"gongji/engine/policy"
	"gongji/engine/sequencer"
)

const (
	// policyAtNow as ?at= means at once: the next batch reads it.
	policyAtNow = "now"
	// policiesPage bounds one answer; a region changes its rules some times a year.
	policiesPage = 100
	// problemsTold of a bad profile: an operator has `gongji policy check` for the rest.
	problemsTold = 20
)

// activatePolicy is POST /v1/policies: the body is a profile's file. It has no message id: name and version say what it is.
func (f *face) activatePolicy(c *api.Call) {
	body, ok := c.Body()
	if !ok {
		return
	}
	profile, at, p := f.readPolicy(c, body)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	w := f.take()
	w.begin(ledger.KindPolicy)
	w.more.Policy = profile.Ledger()
	w.more.Policy.EffectiveFrom = at
	w.details.Text = profile.Canonical()
	row := w.more.Policy
	w.add()
	out, p := f.run(w, sequencer.Structural)
	if p.Code != "" {
		c.Fail(p)
		return
	}
	f.give(w)
	if !out.effect.Outcome.IsAccepted() {
		fail(c, refused(ledger.KindPolicy, out.effect.Outcome), out.replayed)
		return
	}
	f.letters.forget()
	row.At = out.position
	if at == 0 {
		row.EffectiveFrom = out.timeMS
	}
	c.Out.Begin()
	appendPolicy(c, out.effect.Number, &row)
	c.Out.End()
	c.OK(201)
}

// readPolicy reads the file and ?at=: a day, "now", or nothing for the day that the file names. at is ms, 0: at once.
func (f *face) readPolicy(c *api.Call, body []byte) (profile *policy.Profile, at int64, p api.Problem) {
	values, x := readQuery(c, "at")
	if x.bad() {
		return nil, 0, x.problem()
	}
	profile, err := policy.Parse("line", body)
	if err != nil {
		return nil, 0, badProfile(err)
	}
	day := string(values[0])
	if values[0] == nil {
		day = profile.EffectiveFrom
	}
	first, _ := policy.StartOf(profile.EffectiveFrom) // Parse has looked
	begin := int64(0)
	if day == policyAtNow {
		p = f.ask(func(v engine.View) { begin = v.TimeMS })
	} else if at, ok := policy.StartOf(day); ok {
		begin = at
	} else {
		p = badValue("at").problem()
	}
	switch {
	case p.Code != "":
		return nil, 0, p
	case begin < first:
		return nil, 0, fault{CodeTooEarly, "at"}.problem()
	case day == policyAtNow:
		return profile, 0, p
	}
	return profile, begin, p
}

// badProfile tells what is wrong with a file: lines, names of knobs and constant texts, no value of the file.
func badProfile(err error) api.Problem {
	p := fault{code: CodeProfile}.problem()
	var list policy.Problems
	if !errors.As(err, &list) {
		return api.Problem{Code: api.CodeInternal}
	}
	var texts []string
	for _, one := range list[:min(len(list), problemsTold)] {
		texts = append(texts, one.String())
	}
	if more := len(list) - len(texts); more > 0 {
		texts = append(texts, "and "+strconv.Itoa(more)+" more")
	}
	p.Detail, p.Field = strings.Join(texts, "; "), list[0].Knob
	return p
}

func appendPolicy(c *api.Call, number uint32, row *ledger.Policy) {
	a := &c.Out
	a.Uint("number", uint64(number))
	a.String("name", row.NameText())
	a.Uint("version", uint64(row.Version))
	a.Time("effective_from", row.EffectiveFrom)
	if row.Hash != [32]byte{} {
		a.String("sha256", hex.EncodeToString(row.Hash[:]))
	}
	a.Uint("sequence", row.At.Sequence())
}

// policies is GET /v1/policies: all that were ever activated, in the order of the log; cursor is the number of the first one told.
func (f *face) policies(c *api.Call) {
	values, x := readQuery(c, "cursor")
	first := uint64(0)
	if values[0] != nil && !x.bad() {
		n, ok := policyNumber(values[0])
		if first = uint64(n); !ok {
			x = badValue("cursor")
		}
	}
	if x.bad() {
		c.Fail(x.problem())
		return
	}
	var rows []ledger.Policy
	var inForce ledger.Policy
	var more bool
	var sequence uint64
	if p := f.ask(func(v engine.View) {
		sequence = v.Sequence
		inForce, _ = v.State.PolicyAt(v.TimeMS)
		n := uint64(v.State.Policies.Len())
		for i := first; i < min(n, first+policiesPage); i++ {
			rows = append(rows, *v.State.Policies.At(uint32(i)))
		}
		more = n > first+policiesPage
	}); p.Code != "" {
		c.Fail(p)
		return
	}
	a := &c.Out
	a.Begin()
	a.ArrayKey("policies")
	for i := range rows {
		a.Begin()
		appendPolicy(c, uint32(first)+uint32(i), &rows[i])
		a.Bool("in_force", rows[i].At == inForce.At)
		a.End()
	}
	a.EndArray()
	if more {
		a.String("cursor", strconv.FormatUint(first+policiesPage, 10))
	}
	a.Uint("sequence", sequence)
	a.End()
	c.OK(200)
}

// policy is GET /v1/policies/{number}: one of them with its text, as the log keeps it.
func (f *face) policy(c *api.Call) {
	number, ok := policyNumber(c.Param(0))
	var row ledger.Policy
	var inForce bool
	if ok {
		if p := f.ask(func(v engine.View) {
			if ok = number < v.State.Policies.Len(); ok {
				now, _ := v.State.PolicyAt(v.TimeMS)
				row = *v.State.Policies.At(number)
				inForce = row.At == now.At
			}
		}); p.Code != "" {
			c.Fail(p)
			return
		}
	}
	if !ok {
		c.Fail(notFound("number"))
		return
	}
	entry, err := f.engine.Entry(row.At)
	if err != nil {
		c.Fail(api.Problem{Code: api.CodeUnavailable})
		return
	}
	c.Out.Begin()
	appendPolicy(c, number, &row)
	c.Out.Bool("in_force", inForce)
	c.Out.Bytes("text", entry.Details.Text)
	c.Out.End()
	c.OK(200)
}

// policyNumber reads a policy's number in its one spelling.
func policyNumber(text []byte) (uint32, bool) {
	n, err := strconv.ParseUint(string(text), 10, 32)
	return uint32(n), err == nil && strconv.FormatUint(n, 10) == string(text)
}
