package ledger

// Standing is what a person's enrolments make of him on a day (R19). DESIGN.md 8 has the table of what each may do.
type Standing uint8

// The standings.
const (
	Normal Standing = iota
	Paused          // psn_insu_stas 2
	Ended           // 0, 3, 4; also before the first enrolment and after the end of one
	Dead            // from the day of death
	Moved           // insured in another region
	standings
)

// Action is what somebody wants of a person (R19).
type Action uint8

// The actions.
const (
	OwnSpending    Action = iota // his account pays his own bill
	Lending                      // his account pays a relative's bill
	Borrowing                    // relatives' accounts pay his bill
	Credit                       // money comes in from outside
	PremiumPayer                 // his account pays a relative's premium
	PremiumInsured               // a premium is paid for him
	BindAuthorizer
	BindUser
	Unbind // he asks for it
	Refund // what was taken comes back
	Allocate
	Actions // how many there are
)

// permission is a column of the table.
type permission struct {
	allowed  uint8  // bit s: standing s may
	enrolled uint8  // of these, the bits that a policy with RequireNormalUser takes away (K16)
	need     uint16 // flags he must have
	bar      uint16 // flags he must not have
	employee bool   // judged by the employee insurance; else by the insurance he is in
}

const (
	bitNormal = 1 << Normal
	bitPaused = 1 << Paused
	bitEnded  = 1 << Ended
	bitDead   = 1 << Dead
	bitMoved  = 1 << Moved
	bitsAlive = bitNormal | bitPaused | bitEnded | bitMoved
)

// permissions is the table of DESIGN.md 8, a column an entry.
var permissions = [Actions]permission{
	OwnSpending:    {allowed: bitsAlive, need: HasAccount, bar: AccountFrozen, employee: true},
	Lending:        {allowed: bitNormal, need: HasAccount, bar: AccountFrozen, employee: true},
	Borrowing:      {allowed: bitNormal | bitPaused, enrolled: bitPaused},
	Credit:         {allowed: bitsAlive, need: HasAccount, employee: true},
	PremiumPayer:   {allowed: bitNormal, need: HasAccount, bar: AccountFrozen, employee: true},
	PremiumInsured: {allowed: bitNormal | bitPaused | bitEnded},
	BindAuthorizer: {allowed: bitNormal, need: HasAccount, employee: true},
	BindUser:       {allowed: bitNormal | bitPaused, enrolled: bitPaused},
	Unbind:         {allowed: bitsAlive},
	Refund:         {allowed: bitsAlive | bitDead},
	Allocate:       {allowed: bitNormal, need: HasAccount, bar: AccountFrozen, employee: true},
}

// May reports whether a person may take part in an action today (R19, R21, K16).
func (x *Summary) May(a Action, c *Context) bool { return x.MayOn(a, c.Day, &c.Policy) }

// MayOn is May on another day: that of a visit that began earlier.
func (x *Summary) MayOn(a Action, day int32, policy *Policy) bool {
	r := &permissions[a]
	if x.Flags&r.need != r.need || x.Flags&r.bar != 0 {
		return false
	}
	allowed := r.allowed
	if policy.RequireNormalUser != 0 {
		allowed &^= r.enrolled
	}
	return allowed>>x.StandingOn(day, r.employee)&1 != 0
}

// StandingOn is a person's standing on a day: in employee insurance, or in the insurance he was last told to be normally in.
func (x *Summary) StandingOn(day int32, employee bool) Standing {
	from, until, after := x.NormalFrom, x.NormalUntil, x.Flags>>normalAfterAt
	if employee {
		from, until, after = x.LendFrom, x.LendUntil, x.Flags>>lendAfterAt
	}
	switch {
	case x.Died != 0 && day >= x.Died:
		return Dead
	case day >= until:
		return afterStandings[after&3]
	case day < from:
		return Ended
	}
	return Normal
}

// Bits 3 and 4, 5 and 6 of a person's flags say what follows an interval: an index of afterStandings.
const (
	lendAfterAt   = 3
	normalAfterAt = 5
	categoryAt    = 7 // bits 7 to 9: category of his last employee enrolment
)

var afterStandings = [4]Standing{Ended, Paused, Moved, Ended}

func (x *Summary) setAfter(at uint, s Standing) {
	code := uint16(0)
	switch s {
	case Paused:
		code = 1
	case Moved:
		code = 2
	}
	x.Flags = x.Flags&^(3<<at) | code<<at
}

// visitDay is the day on which a settlement judges the patient: the visit's first if it is told and not in the future (R19).
func visitDay(c *Context, cmd *Command) int32 {
	if cmd.Day != 0 && cmd.Day < c.Day {
		return cmd.Day
	}
	return c.Day
}

// Reason of an enrolment (R19).
type Reason uint8

// The reasons. A correction takes a death back.
const (
	ReasonNone Reason = iota
	ReasonEnded
	ReasonDead
	ReasonMoved
	ReasonCorrection
	ReasonOther
	ReasonLast = ReasonOther
)

// Standing is what an enrolment tells.
func (e *Enrolment) Standing() Standing {
	switch {
	case e.Reason == ReasonDead:
		return Dead
	case e.Reason == ReasonMoved:
		return Moved
	case e.Status == StatusNormal:
		return Normal
	case e.Status == statusPaused:
		return Paused
	}
	return Ended
}

const (
	statusPaused = 2 // psn_insu_stas

	// psn_type: the first two digits of its codes.
	typeEmployed = 11
	typeRetired  = 12

	// Bits of Policy.Categories (K15).
	CategoryEmployed = 1
	CategoryRetired  = 2
	CategoryFlexible = 4
)

// category is the bit of Policy.Categories that an employee enrolment belongs to; 0: none (K15, B11).
func (e *Enrolment) category() uint16 {
	kind := e.PsnType
	for kind > 99 {
		kind /= 10
	}
	switch {
	case kind == typeRetired:
		return CategoryRetired
	case e.Flexible != 0:
		return CategoryFlexible
	case kind == typeEmployed:
		return CategoryEmployed
	}
	return 0
}

// isResident reports insurance that excludes employee insurance: resident, and its two predecessors.
func isResident(insutype uint16) bool { return insutype == 390 || insutype == 380 || insutype == 391 }

// enrol takes an enrolment into the person's summary (R19, DESIGN.md 4.7); the history is kept beside the ledger.
func (x *Summary) enrol(e *Enrolment) {
	if e.Insutype == InsutypeEmployee {
		x.Flags = x.Flags&^(7<<categoryAt) | e.category()<<categoryAt
	}
	if e.Reason == ReasonCorrection {
		x.Died = 0
	}
	switch s := e.Standing(); s {
	case Dead:
		x.Died = max(e.Begin, 1)
	case Normal:
		x.enrolNormal(e)
	default:
		if e.Insutype == InsutypeEmployee {
			x.LendUntil = min(x.LendUntil, e.Begin)
			x.setAfter(lendAfterAt, s)
		}
		if e.Insutype == x.NormalType {
			x.NormalUntil = min(x.NormalUntil, e.Begin)
			x.setAfter(normalAfterAt, s)
		}
	}
}

func (x *Summary) enrolNormal(e *Enrolment) {
	end := e.End
	if end == 0 {
		end = openEnded
	}
	x.NormalFrom, x.NormalUntil, x.NormalType, x.Area = e.Begin, end, e.Insutype, e.Area
	x.setAfter(normalAfterAt, Ended)
	switch {
	case e.Insutype == InsutypeEmployee:
		x.LendFrom, x.LendUntil = e.Begin, end
		x.setAfter(lendAfterAt, Ended)
	case isResident(e.Insutype) && e.Begin > x.LendFrom && e.Begin < x.LendUntil: // nobody is in both: he keeps the account and lends no more
		x.LendUntil = e.Begin
		x.setAfter(lendAfterAt, Ended)
	}
}

// mayBeCredited reports whether the category of who is normal in employee insurance today is one with an account; what comes late to the paused,
// ended and moved was earned under another (R7).
func (x *Summary) mayBeCredited(c *Context) bool {
	return x.hasCategory(&c.Policy) || x.StandingOn(c.Day, true) != Normal
}

// hasCategory reports whether a policy opens accounts for the category of his last employee enrolment; no categories: for everybody (K15).
func (x *Summary) hasCategory(policy *Policy) bool {
	return policy.Categories == 0 || uint16(policy.Categories)&(x.Flags>>categoryAt&7) != 0
}

// InTerritory reports whether two people insured in these areas may share (K14).
func InTerritory(policy *Policy, authorizer, user uint32) bool {
	switch policy.Territory {
	case InPoolingArea:
		return PoolingArea(authorizer) == PoolingArea(user)
	case CrossProvince:
		return policy.inUnion(authorizer) && policy.inUnion(user)
	}
	return authorizer/10_000 == user/10_000
}

// inUnion reports whether an area lies in the home province or one that has agreed.
func (p *Policy) inUnion(area uint32) bool {
	province := int(area / 10_000)
	return province == int(p.Province) || p.HasAgreed(province)
}
