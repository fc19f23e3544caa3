package ledger

// closeDay is command 33 (R15): the day is over for as long as the policy says; every day before it closes with it.
func (s *State) closeDay(c *Context, cmd *Command) Outcome {
	switch {
	case cmd.Day <= s.Scalars.At(0).ClosedThrough:
		return DayClosed
	case !c.HasPolicy:
		return NoPolicy
	case cmd.Day > ClosingDay(&c.Policy, c.TimeMS):
		return DayNotOver
	}
	s.Scalars.Mut(0).ClosedThrough = cmd.Day
	return Accepted
}

// ClosingDay is the newest day that may be closed at a time (ms since 1970 UTC) under a policy: the newest that ended day_close_minutes ago.
func ClosingDay(p *Policy, timeMS int64) int32 {
	return DayOf(timeMS-int64(p.DayCloseMinutes)*minuteMS) - 1
}
