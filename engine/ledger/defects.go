package ledger

// The mistakes that a build tag turns on here, at most one at a time (bench/defects/DESIGN.md). All are false in a normal build.
const (
	conflictLooseDefect       = active == 1  // a command with a known id counts as a repeat, whatever it says
	refusalForgottenDefect    = active == 2  // the id of a refused command stays free
	reversalToPatientDefect   = active == 3  // a reversal gives all to the patient
	reversalUnboundDefect     = active == 4  // a reversal leaves out authorizers who are not bound any more
	overtakingForgottenDefect = active == 5  // a reversal that came first does not block its original
	selfLastDefect            = active == 6  // an own account below 1 yuan is drawn on last
	drawBiasedDefect          = active == 7  // the draw takes 4 bits modulo the number of relatives
	unbindLateDefect          = active == 8  // an unbinding is told at once and takes effect at the next structural command
	amountWrapsDefect         = active == 9  // amounts of a bill have no upper limit, so that their sum may wrap
	dayEndOldDefect           = active == 10 // a reversal of a closed day changes that day
)

// markLeavingLate is what unbindLateDefect owes, in Binding.Marks.
const markLeavingLate = 1 << 7

// endLate is what unbindLateDefect does before a structural command.
func (s *State) endLate(c *Context) {
	for n := range s.Bindings.Len() {
		if s.Bindings.At(n).Marks&markLeavingLate != 0 {
			s.end(c, n)
		}
	}
}
