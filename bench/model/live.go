package model

// World gives the commands that make the generator's institutions and hot persons, for a ledger that has been founded by somebody else and whose
// batches Observe sees. They must be logged in this order, before the first Propose.
func (g *Generator) World(timeMS int64) []Command {
	g.preview(timeMS)
	all := []Command{}
	for i := range institutionsMade {
		all = append(all, institution(i))
	}
	for i := range hotPersons {
		all = append(all, digested(g.hotPerson(i)))
	}
	return all
}

// Propose makes a command that would be next against the model as the last Observe left it, at about timeMS. Nothing is applied: whether, where
// and when it is logged is the caller's affair. Day keys are never proposed: only who has the key file can seal them.
func (g *Generator) Propose(timeMS int64, money bool) Command {
	g.preview(timeMS)
	weights := mixedWeights
	if g.mixed = !money; money {
		weights = moneyWeights
	}
	defer func() { g.mixed = false }()
	for {
		if c := g.next(weights); c.Kind() != KindDayKey {
			return digested(c)
		}
	}
}

// preview sets the moment of a batch that might come next.
func (g *Generator) preview(timeMS int64) {
	g.now = g.model.look(Batch{Sequence: g.sequence + 1, TimeMS: timeMS})
	g.batch, g.results = nil, nil
	g.periods = 202600 + uint32(g.now.today/10)
}

// Observe applies a batch that a ledger has committed, commands as Propose or World gave them or the ledger's own, and tells what should have come
// of it. keyOf gives the day key of a hash.
func (g *Generator) Observe(b Batch, keyOf func(hash [32]byte) []byte) Step {
	g.sequence, g.timeMS = b.Sequence, b.TimeMS
	if row, ok := g.model.dayKeys[Day(b.TimeMS)]; ok {
		b.DayKey = keyOf(row.Hash)
	}
	g.now = g.model.begin(b)
	g.batch, g.results = []Command{}, []Result{}
	for _, c := range b.Commands {
		g.apply(c)
	}
	return g.close()
}

// Digested gives a command with an id the digest of its content, which tells a repeat from another command under the same id.
func Digested(c Command) Command { return digested(c) }
