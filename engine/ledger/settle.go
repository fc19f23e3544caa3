package ledger

// Bill is a settlement after all checks that need neither ids nor balances: what is payable, and from where it may come.
type Bill struct {
	Patient     uint32
	Institution uint32
	Payable     int64  // fen that accounts may pay
	Opening     int64  // fen in the own account when the bill was prepared
	PsnPart     int64  // fen the person bears
	Area        uint32 // insuplc_admdvs of the patient
	Visit       uint32 // number of the visit whose lines are settled, + 1
	Own         bool   // the own account may be used
	Relatives   bool   // relatives (or the family account) may be used, if there are any
	Preview     bool   // passwords are believed and not counted
	Asked       bool   // relatives came to their turn with passwords: tries are to be counted
}

// PrepareSettlement checks a settlement and works out its bill (DESIGN.md 4, 14.1 to 14.3). It reads tables that do not change inside a
// money batch, so shards may call it in any order.
func PrepareSettlement(s *State, c *Context, cmd *Command) (b Bill, o Outcome) {
	if o := checkAmounts(&cmd.Bill, &b); o != 0 {
		return b, o
	}
	var ok bool
	if b.Institution, ok = s.FindInstitution(&cmd.Institution); !ok {
		return b, UnknownInstitution
	}
	if b.Patient, ok = s.FindPerson(cmd.Person); !ok {
		return b, UnknownPerson
	}
	p := s.Persons.At(b.Patient)
	credential, key, day := cmd.CredType, cmd.Other, visitDay(c, cmd)
	if cmd.Visit != 0 {
		v, o := s.billedVisit(c, cmd, &b)
		if o != 0 {
			return b, o
		}
		if day = v.FirstDay; v.Kind == Stay && key.IsZero() {
			credential, key = v.CredType, v.Credential
		}
	}
	if o := s.checkCredential(credential, key, b.Patient); o != 0 {
		return b, o
	}
	x := s.Summary(p)
	if x.Died != 0 && day >= x.Died {
		return b, StatusForbids
	}
	if !c.HasPolicy {
		return b, NoPolicy
	}
	b.Payable = payable(&c.Policy, &cmd.Bill, b.PsnPart)
	place := uint8(PlaceInstitution)
	if s.Institutions.At(b.Institution).Type == TypePharmacy {
		place = PlacePharmacy
	}
	if c.Policy.Places&place == 0 || cmd.UsedFlag == 0 {
		b.Payable = 0
	}
	b.Own, b.Opening, b.Area = x.MayOn(OwnSpending, day, &c.Policy), p.Balance, x.Area
	b.Relatives = (p.Draws != 0 || c.Policy.Strategy == Allocated) && !(cmd.UsedFlag == 1 && c.Policy.FlagOneOwnOnly != 0) && x.MayOn(Borrowing, day, &c.Policy)
	if c.Policy.NeedsPasswords() && len(cmd.Passwords) == 0 && !s.ownsFamily(c, b.Patient) {
		b.Relatives = false
	}
	return b, 0
}

// ownsFamily reports whether the patient is the creator of the family account that would pay: he needs no password for it.
func (s *State) ownsFamily(c *Context, patient uint32) bool {
	return c.Policy.Strategy == Allocated && s.createdBy(patient) != 0
}

// AsksPasswords reports whether deciding the settlement may count tries of passwords: then it changes more than accounts.
func AsksPasswords(c *Context, cmd *Command, b *Bill) bool {
	return len(cmd.Passwords) != 0 && c.Policy.NeedsPasswords() && b.Relatives && b.Payable > 0
}

func checkAmounts(in *BillInput, b *Bill) Outcome {
	for _, a := range [...]int64{in.Medfee, in.Fund, in.HospPart, in.Preselfpay, in.Inscp, in.Overlmt, in.Fulamt} {
		if amountWrapsDefect && a >= 0 {
			continue
		}
		if a < 0 || a > AmountMax {
			return AmountRange
		}
	}
	if in.Medfee == 0 {
		return AmountRange
	}
	b.PsnPart = in.Medfee - in.Fund - in.HospPart
	if in.Medfee != in.Fulamt+in.Overlmt+in.Preselfpay+in.Inscp || b.PsnPart < 0 {
		return AmountParts
	}
	return 0
}

// payable is what accounts may pay (R1): the fund is used up against inscp, preselfpay, overlmt, fulamt; what remains of the profile's
// parts counts, never more than the person bears.
func payable(p *Policy, in *BillInput, psnPart int64) int64 {
	fund := in.Fund
	var sum int64
	for _, part := range [...]struct {
		amount int64
		bit    uint8
	}{{in.Inscp, PartInscp}, {in.Preselfpay, PartPreselfpay}, {in.Overlmt, PartOverlmt}, {in.Fulamt, PartFulamt}} {
		used := min(fund, part.amount)
		fund -= used
		if p.Parts&part.bit != 0 {
			sum += part.amount - used
		}
	}
	return min(sum, psnPart)
}

// Relatives appends the accounts that may pay after (or before) the patient's own, in binding order, or in the set order under Ordered;
// under Random the draw still has to permute them. At most RelativesMax. Suspended bindings are left out (suspend.go has the reasons). Whether the
// patient may borrow was judged before, on the visit's day (Bill.Relatives).
func Relatives(s *State, c *Context, patient uint32, dst []AccountID) []AccountID {
	p := s.Persons.At(patient)
	if c.Policy.Strategy == Allocated {
		if family := s.FamilyOf(patient); family != 0 && s.familyPays(c, patient, family) {
			dst = append(dst, Account(KindFamily, family-1))
		}
		return dst
	}
	area := s.shared(patient).Area
	first, bound := len(dst), 0
	var orders [RelativesMax]uint16
	for n := p.Draws; n != 0; {
		b := s.Bindings.At(n - 1)
		n = b.NextDraw
		bound++
		if !pays(s, c, b, area) {
			continue
		}
		orders[len(dst)-first] = b.Order
		dst = append(dst, Account(KindPersonal, b.Authorizer))
	}
	if tooManyFamilies(&c.Policy, bound) {
		return dst[:first]
	}
	if c.Policy.Strategy == Ordered {
		sortByOrder(orders[:len(dst)-first], dst[first:])
	}
	return dst
}

// sortByOrder is a stable insertion sort: ties stay in binding order.
func sortByOrder(orders []uint16, accounts []AccountID) {
	for i := 1; i < len(orders); i++ {
		for j := i; j > 0 && orders[j] < orders[j-1]; j-- {
			orders[j], orders[j-1] = orders[j-1], orders[j]
			accounts[j], accounts[j-1] = accounts[j-1], accounts[j]
		}
	}
}

// Funds tells the balance of personal and family accounts at the command's place in the log.
type Funds interface{ Available(a AccountID) int64 }

// legsMax of one settlement: the own account and every relative.
const legsMax = 1 + RelativesMax

// taking is the memory of one decision.
type taking struct {
	legs  [legsMax]Leg
	drawn [RelativesMax]Candidate
}

// DecideSettlement takes the money (14.4 to 14.6): it fills the figures of f and returns the legs, without balances after, which PostLeg adds,
// and the candidates in the drawn order, none if nothing was drawn or debited. Both lie in buf. It changes nothing.
func DecideSettlement[F Funds](s *State, c *Context, cmd *Command, b *Bill, position Position, funds F, f *Effect, buf *taking) (legs []Leg, drawn []Candidate) {
	legs = buf.legs[:0]
	rest := b.Payable
	take := func(a AccountID) int64 {
		amount := min(rest, funds.Available(a))
		if amount > 0 {
			legs = append(legs, Leg{Account: a, Amount: -amount})
			rest -= amount
		}
		return amount
	}
	own := Account(KindPersonal, b.Patient)
	if b.Own && c.Policy.SelfFirst != 0 {
		if !selfLastDefect || funds.Available(own) >= 100 {
			f.Own = take(own)
		}
	}
	if rest > 0 && b.Relatives {
		guarded := c.Policy.NeedsPasswords()
		b.Asked = guarded && len(cmd.Passwords) != 0
		var list [RelativesMax]AccountID
		relatives := Relatives(s, c, b.Patient, list[:0])
		if len(relatives) > 0 && c.Policy.Strategy == Random {
			if c.DayKey == nil {
				f.Own, f.Outcome = 0, NoDayKey
				return nil, nil
			}
			drawn = buf.drawn[:len(relatives)]
			Draw(c.DayKey, position, relatives, drawn)
			for i := range drawn {
				relatives[i] = drawn[i].Account()
			}
		}
		place := ownPlace(s, c, b)
		for i, a := range relatives {
			if i == place {
				f.Own = take(own)
			}
			if guarded && !s.opens(c, cmd, b, a) {
				continue
			}
			f.Mulaid += take(a)
		}
	}
	if selfLastDefect && b.Own && f.Own == 0 {
		f.Own = take(own)
	}
	if b.Own && c.Policy.SelfFirst == 0 && f.Own == 0 { // not 0: it had a place among the relatives
		f.Own = take(own)
	}
	if !FinishSettlement(cmd, b, f) {
		return nil, nil
	}
	if f.Mulaid > 0 {
		MarkAreas(s, b.Area, legs)
	}
	return legs, drawn
}

// FinishSettlement turns the parts taken into an outcome; false: nothing is debited.
func FinishSettlement(cmd *Command, b *Bill, f *Effect) bool {
	paid := f.Own + f.Mulaid
	if cmd.Refuse && paid < b.Payable {
		f.Own, f.Mulaid = 0, 0
		f.Outcome = ShortOfFunds
		return false
	}
	f.Payable, f.Cash = b.Payable, b.PsnPart-paid
	if cmd.HasExpected && (cmd.ExpectedAcct != paid || cmd.ExpectedCash != f.Cash) {
		f.Outcome = AmountChanged
		return false
	}
	f.Outcome, f.Area = Accepted, b.Area
	return true
}
