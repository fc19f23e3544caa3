package model

// ClosedThrough is the last closed day, 0 if none is.
func (m *Model) ClosedThrough() int32 { return m.closed }

func (m *Model) isClosed(day int32) bool { return day <= m.closed }
