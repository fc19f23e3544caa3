package model

// KindDayClose is s.4, command 33.
const KindDayClose = 33

// DayClose is kind 33.
type DayClose struct{ Day int32 }

// Kind is 33.
func (DayClose) Kind() int { return KindDayClose }

// ClosedThrough is the last closed day, 0 if none is.
func (m *Model) ClosedThrough() int32 { return m.closed }

func (m *Model) isClosed(day int32) bool { return day <= m.closed }

func (m *Model) dayClose(now moment, c DayClose) int {
	if m.isClosed(c.Day) {
		return DayClosed
	}
	if now.policy == nil {
		return NoPolicy
	}
	midnight := (int64(c.Day)+1)*dayMS - chinaMS // the end of the day
	if now.timeMS < midnight+int64(now.policy.DayCloseMinutes)*60_000 {
		return DayNotOver
	}
	m.closed = c.Day
	return Accepted
}

// makeDayClose names mostly the last day that can be closed, or one beside it.
func (g *Generator) makeDayClose() Command {
	late := int64(0)
	if g.now.policy != nil {
		late = int64(g.now.policy.DayCloseMinutes) * 60_000
	}
	day := Day(g.now.timeMS-late) - 1
	switch g.rng.IntN(10) {
	case 0:
		day++
	case 1:
		day--
	case 2:
		day = g.now.today - g.rng.Int32N(12)
	case 3:
		day = choose(g.rng, []int32{0, -1 << 31, 1<<31 - 1})
	}
	return DayClose{Day: day}
}

// followDayClose queues, for money batches, reversals by message of settlements whose day has just been closed.
func (g *Generator) followDayClose() {
	for i := len(g.sent) - 1; i >= max(0, len(g.sent)-6*recentSent) && len(g.swept) < 30; i-- {
		s := g.model.records[g.sent[i].position].settlement
		if s == nil || !g.model.isClosed(s.day) {
			continue
		}
		if _, undone := g.model.ids[undoMark(s.position)]; undone {
			continue
		}
		g.swept = append(g.swept, ReversalByMessage{
			Message: g.newMessage(), Institution: s.institution.Code, OriginalID: message(g.sent[i].command).ID, OriginalKind: 1, Psn: s.patient.Psn,
		})
	}
}
