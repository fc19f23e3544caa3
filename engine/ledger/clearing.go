package ledger

// Clearing is one payout of an institution's payable (R17): the settlements and reversals of its closed days of one clr_type are cleared by it.
type Clearing struct {
	Amount      int64    // fen paid out
	At          Position // of its command
	Institution uint32
	Before      uint32 // the institution's clearing before, + 1; 0: this is its first
	From        int32  // ledger days, both included
	To          int32
	ClrType     uint16 // 0: all
	_           [6]uint8
}

// ClearingDays are what a payout is for.
type ClearingDays struct {
	From, To int32  // ledger days, both included
	ClrType  uint16 // 0: all
}

// Covers reports whether the clearing clears rows of a clr_type on a day.
func (c *Clearing) Covers(day int32, clrType uint16) bool {
	return c.From <= day && day <= c.To && (c.ClrType == 0 || c.ClrType == clrType)
}

// shares reports whether two clearings of an institution would clear a row twice.
func (c *Clearing) shares(d *ClearingDays) bool {
	return c.From <= d.To && d.From <= c.To && (c.ClrType == d.ClrType || c.ClrType == 0 || d.ClrType == 0)
}

// clear is command 34 (R17). What reversals of cleared settlements take from the payable is netted by the next clearing, which may not exceed it. All
// payouts together stay below FundingMax: a reversal after a payout brings money back that nobody brought in again, and payables below 0.
func (s *State) clear(cmd *Command, position Position, f *Effect) Outcome {
	d := &cmd.More.Clearing
	if cmd.Amount < 1 || cmd.Amount > AmountMax || d.From > d.To || s.Scalars.At(0).Bank[BankPayouts] > FundingMax-cmd.Amount {
		return AmountRange
	}
	n, found := s.FindInstitution(&cmd.Institution)
	if !found {
		return UnknownInstitution
	}
	if d.To > s.Scalars.At(0).ClosedThrough {
		return DayOpen
	}
	i := s.Institutions.At(n)
	for c := i.Clearings; c != 0; c = s.Clearings.At(c - 1).Before {
		if s.Clearings.At(c - 1).shares(d) {
			return AlreadyCleared
		}
	}
	if cmd.Amount > i.Payable {
		return ClearingExceeds
	}
	f.Institution, f.Funding = n, cmd.Amount
	f.Number = s.Clearings.Append(Clearing{Amount: cmd.Amount, At: position, Institution: n, Before: i.Clearings, From: d.From, To: d.To, ClrType: d.ClrType})
	m := s.Institutions.Mut(n)
	m.Payable -= cmd.Amount
	m.Clearings = f.Number + 1
	s.Scalars.Mut(0).Bank[BankPayouts] += cmd.Amount
	return Accepted
}
