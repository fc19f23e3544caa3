package ledger

import "encoding/binary"

// VisitKind tells registrations from stays.
type VisitKind uint8

// The kinds of visit. Numbers are part of the format.
const (
	Registration VisitKind = 1 // outpatient
	Stay         VisitKind = 2 // inpatient
)

// VisitState is the stored state of a visit; VisitExpired is derived and never stored (StateOn).
type VisitState uint8

// The states. Numbers are part of the format.
const (
	VisitOpened     VisitState = 1
	VisitDischarged VisitState = 2 // a stay whose patient has left
	VisitCancelled  VisitState = 3
	VisitExpired    VisitState = 4 // a registration that was open long enough
)

// Visit is a patient's registration or stay at an institution (DESIGN.md 12). A row with Opened 0 is free and chained by NextVisit.
type Visit struct {
	Opened      Position // of the VisitOpen: what the visit is called
	Newest      Position // newest settlement; 0: none
	Final       Position // of a stay: the settlement that is not interim and stands; 0: none
	Changed     Position // newest VisitChange; 0: none. Its effect names the one before.
	Ended       Position // of the Discharge that stands; 0: none
	Number      uint64   // key of the institution's own number for it (NumberKey); 0: not told
	Credential  Key      // presented at the opening (R27)
	Patient     uint32
	Institution uint32
	Lines       uint32 // newest line, + 1; chained by Next
	LineCount   uint32
	NextVisit   uint32 // the patient's next older visit, + 1; of a free row: next free row, + 1
	PrevVisit   uint32 // the patient's next newer visit, + 1
	MedType     uint32 // 0: not told yet
	Insutype    uint32
	FirstDay    int32
	LastDay     int32 // as discharged; 0: not
	Expires     int32 // first day on which a registration has expired
	Gone        int32 // first day on which the visit is not held any more
	Keep        uint16
	Kind        VisitKind
	State       VisitState
	CredType    CredentialType
	_           [3]uint8
}

// FeeLine is a line of a visit. A row with Serial 0 is free and chained by Next.
type FeeLine struct {
	Serial         uint64   // feedetl_sn
	Batch          uint64   // key of the charge batch (BatchKey); 0: none
	Text           uint64   // digest of its texts
	At             Position // of the command that brought it: there are its texts
	Taken          Position // the settlement that took it last, alive or not; 0: none did (SettledBy)
	Count          int64    // 1e-4; negative: a return
	Returned       int64    // 1e-4, by all returns of this charge
	Amount         int32    // fen, as the three parts; inscp_scp_amt is the rest
	Fulamt         int32
	Overlmt        int32
	Preselfpay     int32
	ReturnedAmount int32
	Visit          uint32
	Next           uint32 // the visit's next older line, + 1; of a free row: next free row, + 1
	Prev           uint32 // the visit's next newer line, + 1
	Init           uint32 // of a return: the charge, + 1
	Free           uint8  // 1: what took it last has been cancelled: it is unsettled, and known for a redo
	_              [3]uint8
}

// VisitRows is the book-keeping of the rows of visits and lines.
type VisitRows struct {
	FreeVisit uint32 // newest free row, + 1
	FreeLine  uint32
	Visits    uint32 // rows in use
	Lines     uint32
	Hand      uint32 // the visit at which the next sweep begins
	_         [4]uint8
}

// Limits of visits.
const (
	VisitsOfPersonMax = 512       // held ones of a patient, at all institutions: bounds a walk over them; daily dialysis makes 365 a year
	LinesMax          = 100       // a command; the national input of 40,000 characters holds some 50 full lines
	SerialMax         = 1<<64 - 1 // feedetl_sn has 15 digits in practice; a face has keys for longer ones
	LineAmountMax     = 1<<31 - 1 // fen of a line
	gone              = 1<<31 - 1 // Visit.Gone of a stay that is open: never
	sweepRows         = 4         // rows a command looks at: what is gone is at most a third of what is held
	sweepLines        = 256       // lines a command frees: more than it can add
)

// VisitInput is what commands on visits carry; each kind uses its fields.
type VisitInput struct {
	Kind     VisitKind
	Mode     RemoveMode
	MedType  uint32
	Insutype uint32
	Text     uint64 // digest of the texts in the details: they are content (R10)
	Number   uint64 // of a VisitOpen: NumberKey of the institution's own number; 0: not told
}

// LineInput is one line of a LinesAdd. Amounts in fen, count in 1e-4.
type LineInput struct {
	Serial     uint64
	Init       uint64 // serial of the charge that this line returns; 0: none
	Batch      uint64
	Text       uint64
	Count      int64
	Amount     int64
	Fulamt     int64
	Overlmt    int64
	Preselfpay int64
}

// RemoveMode says which lines a LinesRemove names.
type RemoveMode uint8

// The modes.
const (
	RemoveAll     RemoveMode = 0 // that are unsettled
	RemoveBatch   RemoveMode = 1
	RemoveSerials RemoveMode = 2
)

// BatchKey is how the ledger knows a charge batch of a visit: the first 8 bytes of K("batch", chrg_bchno).
func BatchKey(chrgBchno []byte) uint64 {
	k := K([]byte("batch"), chrgBchno)
	return binary.BigEndian.Uint64(k[:])
}

// NumberKey is how the ledger knows the number that an institution has for a visit (ipt_otp_no, ipt_no): the first 8 bytes of K("number", number).
func NumberKey(number []byte) uint64 {
	k := K([]byte("number"), number)
	return binary.BigEndian.Uint64(k[:])
}

// StateOn is the state on a day.
func (v *Visit) StateOn(day int32) VisitState {
	if v.State == VisitOpened && v.Kind == Registration && day >= v.Expires {
		return VisitExpired
	}
	return v.State
}

// takesLines reports whether lines come, go and are settled (DESIGN.md 12.2).
func (v *Visit) takesLines(day int32) bool {
	state := v.StateOn(day)
	return state == VisitOpened || state == VisitDischarged
}

// keepFrom moves the day on which the visit is gone, never nearer; open stays are held anyway.
func (v *Visit) keepFrom(day int32) { v.Gone = max(v.Gone, day+int32(v.Keep)) }

// visitOf finds patient, institution and visit of a command (DESIGN.md 12.2); v is the visit's number.
func (s *State) visitOf(c *Context, cmd *Command) (v uint32, o Outcome) {
	institution, found := s.FindInstitution(&cmd.Institution)
	if !found {
		return 0, UnknownInstitution
	}
	patient, found := s.FindPerson(cmd.Person)
	if !found {
		return 0, UnknownPerson
	}
	return s.visitAt(c, cmd.Visit, institution, patient)
}

func (s *State) visitAt(c *Context, at Position, institution, patient uint32) (v uint32, o Outcome) {
	v, found := s.FindVisit(at, c.Day)
	switch {
	case !found || s.Visits.At(v).Institution != institution:
		return 0, VisitUnknown
	case s.Visits.At(v).Patient != patient:
		return 0, VisitPatient
	}
	return v, 0
}

// visiting are the commands on visits and lines.
func (s *State) visiting(c *Context, cmd *Command, position Position, f *Effect, fx *Effects) {
	switch cmd.Kind {
	case KindVisitOpen:
		f.Outcome = s.openVisit(c, cmd, position, f)
		return
	case KindLinesAdd:
		s.sweepVisits(c.Day)
		if !c.HasPolicy {
			f.Outcome = NoPolicy
			return
		}
	case KindVisitCancel, KindVisitChange, KindLinesRemove, KindDischarge, KindDischargeCancel:
	default:
		panic("BUG: unknown command kind passed the decoder")
	}
	v, o := s.visitOf(c, cmd)
	if o == 0 {
		o = s.onVisit(c, cmd, v, position, f, fx)
	}
	if f.Outcome = o; o == Accepted {
		row := s.Visits.At(v)
		f.Visit, f.Patient, f.Institution, f.Source = row.Opened, row.Patient, row.Institution, uint8(row.StateOn(c.Day))
	}
}

func (s *State) onVisit(c *Context, cmd *Command, v uint32, position Position, f *Effect, fx *Effects) Outcome {
	switch cmd.Kind {
	case KindVisitCancel:
		return s.cancelVisit(c, v, f)
	case KindVisitChange:
		return s.changeVisit(c, cmd, v, position, f)
	case KindLinesAdd:
		return s.addLines(c, cmd, v, position, f, fx)
	case KindLinesRemove:
		return s.removeLines(c, cmd, v, f, fx)
	case KindDischarge:
		return s.discharge(c, cmd, v, position)
	}
	return s.cancelDischarge(c, v)
}

// openVisit is command 40.
func (s *State) openVisit(c *Context, cmd *Command, position Position, f *Effect) Outcome {
	s.sweepVisits(c.Day)
	if !c.HasPolicy {
		return NoPolicy
	}
	if c.Policy.RegistrationDays == 0 {
		return VisitsOff
	}
	institution, found := s.FindInstitution(&cmd.Institution)
	if !found {
		return UnknownInstitution
	}
	patient, found := s.FindPerson(cmd.Person)
	if !found {
		return UnknownPerson
	}
	if o := s.checkCredential(cmd.CredType, cmd.Other, patient); o != 0 {
		return o
	}
	day := visitDay(c, cmd)
	if died := s.shared(patient).Died; died != 0 && day >= died {
		return StatusForbids
	}
	x := &cmd.More.Visit
	if o := s.mayOpen(c, patient, institution, x); o != 0 {
		return o
	}
	if n := &s.Scalars.At(0).Visits; uint64(n.Visits)+uint64(n.Lines) >= uint64(c.Policy.VisitRows) {
		return VisitsFull
	}
	v := Visit{Opened: position, Number: x.Number, Credential: cmd.Other, CredType: cmd.CredType, Patient: patient, Institution: institution, MedType: x.MedType, Insutype: x.Insutype,
		FirstDay: day, Kind: x.Kind, State: VisitOpened, Keep: c.Policy.StayKeep, Gone: gone}
	if v.Kind == Registration {
		v.Keep, v.Expires = c.Policy.RegistrationKeep, c.Day+int32(c.Policy.RegistrationDays)
		v.Gone = v.Expires + int32(v.Keep)
	}
	s.takeVisit(v)
	f.Visit, f.Patient, f.Institution, f.Source = position, patient, institution, uint8(VisitOpened)
	return Accepted
}

// mayOpen counts what is held of the patient and what is open and unsettled there, and looks for the same visit under another message id.
func (s *State) mayOpen(c *Context, patient, institution uint32, x *VisitInput) Outcome {
	open, held, exists := 0, 0, false
	for n := s.NewestVisit(patient); n != 0; {
		v := s.Visits.At(n - 1)
		n = v.NextVisit
		if c.Day >= v.Gone {
			continue
		}
		held++
		if v.Institution != institution || !v.takesLines(c.Day) || s.isSettled(v) {
			continue
		}
		exists = exists || x.Number != 0 && v.Number == x.Number && v.Kind == x.Kind
		if v.State == VisitOpened {
			open++
		}
	}
	switch {
	case exists:
		return VisitExists
	case open >= int(c.Policy.OpenVisits), held >= VisitsOfPersonMax:
		return VisitLimit
	}
	return 0
}

// isSettled tells whether a visit waits for no settlement: a stay's final one stands, or the newest line of a registration is settled.
func (s *State) isSettled(v *Visit) bool {
	if v.Kind == Stay {
		return v.Final != 0
	}
	return v.Lines != 0 && s.FeeLines.At(v.Lines-1).SettledBy() != 0
}

// cancelVisit is command 41.
func (s *State) cancelVisit(c *Context, v uint32, f *Effect) Outcome {
	if s.Visits.At(v).StateOn(c.Day) != VisitOpened {
		return VisitClosed
	}
	for n := s.Visits.At(v).Lines; n != 0; n = s.FeeLines.At(n - 1).Next {
		if s.FeeLines.At(n-1).SettledBy() != 0 {
			return VisitSettled
		}
	}
	f.Number = s.removeIf(v, func(*FeeLine) bool { return true })
	row := s.Visits.Mut(v)
	row.State, row.Gone = VisitCancelled, c.Day+int32(row.Keep)
	return Accepted
}

// undoVisit is a reversal by message of a VisitOpen: what cancelling it by name would be. It changes rows that no shard reads.
func (s *State) undoVisit(c *Context, cmd *Command, at Position, institution uint32, f *Effect) {
	v, found := s.FindVisit(at, c.Day)
	switch {
	case !found || s.Visits.At(v).Institution != institution:
		f.Outcome = VisitUnknown
		return
	case s.Persons.At(s.Visits.At(v).Patient).Key != cmd.Person:
		f.Outcome = WrongPerson
		return
	}
	if f.Outcome = s.cancelVisit(c, v, f); f.Outcome == Accepted {
		f.Outcome = VisitUndone // whoever looks for reversals of settlements does not meet it
		f.First, f.Visit, f.Patient, f.Institution = at, at, s.Visits.At(v).Patient, institution
	}
}

// changeVisit is command 42.
func (s *State) changeVisit(c *Context, cmd *Command, v uint32, position Position, f *Effect) Outcome {
	if !s.Visits.At(v).takesLines(c.Day) {
		return VisitClosed
	}
	row := s.Visits.Mut(v)
	f.First, row.Changed = row.Changed, position
	if medType := cmd.More.Visit.MedType; medType != 0 {
		row.MedType = medType
	}
	return Accepted
}

// discharge is command 45.
func (s *State) discharge(c *Context, cmd *Command, v uint32, position Position) Outcome {
	switch row := s.Visits.At(v); {
	case row.Kind != Stay:
		return NotAStay
	case row.State != VisitOpened:
		return VisitClosed
	}
	row := s.Visits.Mut(v)
	row.State, row.Ended, row.LastDay, row.Gone = VisitDischarged, position, cmd.Day, c.Day+int32(row.Keep)
	return Accepted
}

// cancelDischarge is command 46.
func (s *State) cancelDischarge(c *Context, v uint32) Outcome {
	switch row := s.Visits.At(v); {
	case row.Kind != Stay:
		return NotAStay
	case row.State != VisitDischarged:
		return NotDischarged
	case row.Final != 0:
		return StaySettled
	}
	row := s.Visits.Mut(v)
	row.State, row.Ended, row.LastDay, row.Gone = VisitOpened, 0, 0, gone
	return Accepted
}
