package idindex

// Walk calls visit for every entry in key order and stops at its first error. It reads the store in small pieces and holds no run
// in memory. Owner only, between batches; visit must not call the index.
func (ix *Index) Walk(visit func(Entry) error) error {
	if err := ix.Err(); err != nil {
		return err
	}
	var sources []source
	for i := range ix.view.runs {
		sources = append(sources, runSource(ix.db, ix.o.Prefix, &ix.view.runs[i].runMeta))
	}
	sources = append(sources, tableSource(ix.active))
	if ix.sealing != nil {
		sources = append(sources, tableSource(ix.sealing))
	}
	m, err := newMerger(sources)
	if err != nil {
		return err
	}
	for s := m.head(); s != nil; s = m.head() {
		if err := visit(readEntry(s.raw)); err != nil {
			return err
		}
		if err := m.next(); err != nil {
			return err
		}
	}
	return nil
}

// tableSource streams a table part by part.
func tableSource(t *table) source {
	sorter, next := &partSorter{}, 0
	return source{refill: func(dst []byte) ([]byte, error) {
		for ; next < len(t.parts) && len(dst) == 0; next++ {
			sorted := sorter.sort(t.parts[next].entries, t.partBits)
			for i := range sorted {
				dst = appendRecord(dst, &sorted[i])
			}
		}
		return dst, nil
	}}
}
