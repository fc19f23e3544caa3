package idindex

// Stats is what the index holds and has done since Open.
type Stats struct {
	Entries          uint64 // all ids
	TableEntries     uint64 // of them in the recent table and the one being sealed
	Runs             int
	RunsWithFilter   int
	FilterBytes      int64 // in use, being built, and given up but not yet let go
	FenceBytes       int64
	TableBytes       int64 // both tables, reserved; untouched pages cost nothing
	Seals, SealWaits uint64
	Merges           uint64
	MergedEntries    uint64 // entries rewritten by merges
	RunsDeleted      uint64
	FiltersLoaded    uint64
	FiltersDropped   uint64
	FetchedKeys      uint64
	FetchedBlocks    uint64
	FalsePositives   uint64 // blocks looked into for a key that was not there, with or without a filter
}

// Stats is for the owner, between batches.
func (ix *Index) Stats() Stats {
	c := &ix.worker.count
	s := Stats{
		TableEntries: uint64(ix.active.count()),
		Runs:         len(ix.view.runs), RunsWithFilter: len(ix.view.filters),
		FilterBytes: c.filterBytes.Load(), TableBytes: 2 * ix.active.bytes(),
		Seals: c.seals.Load(), SealWaits: ix.sealWaits, Merges: c.merges.Load(), MergedEntries: c.mergedEntries.Load(),
		RunsDeleted: c.runsDeleted.Load(), FiltersLoaded: c.filtersLoaded.Load(), FiltersDropped: c.filtersDropped.Load(),
		FetchedKeys: ix.fetches.keys, FetchedBlocks: ix.fetches.blocks, FalsePositives: ix.fetches.falsePositives,
	}
	if ix.sealing != nil {
		s.TableEntries += uint64(ix.sealing.count())
	}
	s.Entries = s.TableEntries
	for i := range ix.view.runs {
		s.Entries += ix.view.runs[i].count
		s.FenceBytes += 8 * int64(len(ix.view.runs[i].fences))
	}
	return s
}
