package model

import "slices"

// The standings of s.8.
const (
	normal = "normal"
	paused = "paused"
	ended  = "ended"
	dead   = "dead"
	moved  = "moved"
)

// Reasons of an enrolment (s.4, kind 7).
const (
	reasonDead       = 2
	reasonMoved      = 3
	reasonCorrection = 4
	reasonLast       = 5
)

// standing says what an enrolment tells.
func (c Insurance) standing() string {
	if c.Reason == reasonDead {
		return dead
	}
	if c.Reason == reasonMoved {
		return moved
	}
	if c.Status == 1 {
		return normal
	}
	if c.Status == 2 {
		return paused
	}
	return ended
}

// period is an interval [begin, end) of normal enrolment and what the person is behind it.
type period struct {
	begin, end int32
	behind     string
}

func (p period) on(day int32) string {
	if day >= p.end {
		if p.behind == "" {
			return ended
		}
		return p.behind
	}
	if day < p.begin {
		return ended
	}
	return normal
}

// inEmployee and inAny are the two ways to judge a person on a day.
func (p *PersonState) inEmployee(day int32) string {
	if p.isDead(day) {
		return dead
	}
	return period{p.LendBegin, p.LendEnd, p.LendBehind}.on(day)
}

func (p *PersonState) inAny(day int32) string {
	if p.isDead(day) {
		return dead
	}
	return period{p.NormalBegin, p.NormalEnd, p.NormalBehind}.on(day)
}

func (p *PersonState) isDead(day int32) bool { return p.Died != 0 && day >= p.Died }

// The cells of s.8 as lists of standings.

func (p *PersonState) ownSpending(day int32) bool {
	return p.HasAccount && !p.Frozen && !p.isDead(day)
}

func (p *PersonState) mayLend(day int32) bool {
	return p.HasAccount && !p.Frozen && p.inEmployee(day) == normal
}

func (p *PersonState) mayAuthorize(day int32) bool {
	return p.HasAccount && p.inEmployee(day) == normal
}

func (p *PersonState) insured(day int32, policy *Policy) bool {
	if policy.RequireNormalUser {
		return p.inAny(day) == normal
	}
	return slices.Contains([]string{normal, paused}, p.inAny(day))
}

// near is K14.
func near(policy *Policy, authorizer, user *PersonState) bool {
	a, u := authorizer.Area, user.Area
	switch policy.Territory {
	case 0:
		return a/10000 == u/10000
	case 1:
		return pool(a) == pool(u)
	}
	home := append([]uint8{policy.Province}, policy.AgreedProvinces...)
	return slices.Contains(home, uint8(a/10000)) && slices.Contains(home, uint8(u/10000))
}

// opensAccount is K15, and of who is normally employed R7.
func opensAccount(policy *Policy, p *PersonState) bool {
	return policy == nil || policy.Categories == 0 || policy.Categories&p.Category != 0
}

func categoryOf(c Insurance) uint8 {
	first := c.PsnType
	for first >= 100 {
		first /= 10
	}
	if first == 12 {
		return 2
	}
	if c.Flexible == 1 {
		return 4
	}
	if first == 11 {
		return 1
	}
	return 0
}

func (p *PersonState) enrol(c Insurance) {
	if c.Insutype == employee {
		p.Category = categoryOf(c)
	}
	if c.Reason == reasonCorrection {
		p.Died = 0
	}
	standing := c.standing()
	if standing == dead {
		p.Died = c.Begin
		if p.Died < 1 {
			p.Died = 1
		}
		return
	}
	if standing == normal {
		p.enrolNormal(c)
		return
	}
	if c.Insutype == employee {
		p.LendEnd, p.LendBehind = min(p.LendEnd, c.Begin), standing
	}
	if c.Insutype == p.NormalType {
		p.NormalEnd, p.NormalBehind = min(p.NormalEnd, c.Begin), standing
	}
}

func (p *PersonState) enrolNormal(c Insurance) {
	end := c.End
	if end == 0 {
		end = openEnd
	}
	p.NormalBegin, p.NormalEnd, p.NormalBehind, p.NormalType, p.Area = c.Begin, end, ended, c.Insutype, c.Area
	resident := c.Insutype == 390 || c.Insutype == 380 || c.Insutype == 391
	if c.Insutype == employee {
		p.LendBegin, p.LendEnd, p.LendBehind = c.Begin, end, ended
	} else if resident && p.LendBegin < c.Begin && c.Begin < p.LendEnd {
		p.LendEnd, p.LendBehind = c.Begin, ended
	}
}
