package idindex

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Open restores the state of a manifest: the last one made durable, or nil for an empty index. Runs that it does not name are deleted:
// they are of later, and the replay of the log inserts their ids again. The store stays the caller's, who closes it after Close;
// no other index may use the same prefix of it.
func Open(db *pebble.DB, manifestBytes []byte, options Options) (*Index, error) {
	o := options.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	m := &manifest{nextRun: 1}
	if len(manifestBytes) > 0 {
		var err error
		if m, err = readManifest(manifestBytes); err != nil {
			return nil, err
		}
	}
	ix := &Index{db: db, o: o}
	w := newWorker(db, &ix.o)
	ix.worker = w
	if err := w.restore(m); err != nil {
		return nil, err
	}
	ix.active = newTable(&ix.o)
	w.clean <- newTable(&ix.o)
	ix.view = w.published.Load()
	w.adopted.Store(ix.view.generation)
	go w.run()
	return ix, nil
}

// restore loads the runs of the manifest and deletes all others.
func (w *worker) restore(m *manifest) error {
	w.version, w.nextRun = m.version, m.nextRun
	w.built.Store(m.version)
	w.durable.Store(m.version)
	for i := range m.runs {
		meta := m.runs[i]
		fences, err := loadFences(w.db, w.o.Prefix, &meta)
		if err != nil {
			return err
		}
		w.live = append(w.live, &liveRun{run: &run{runMeta: meta, fences: fences}, lastNamed: m.version})
	}
	if err := w.deleteUnnamed(m); err != nil {
		return err
	}
	w.unbalanced = true
	if _, err := w.balance(); err != nil {
		return err
	}
	w.publish()
	return nil
}

// deleteUnnamed deletes the runs in the store that the manifest does not name, and keeps their numbers from being used again.
func (w *worker) deleteUnnamed(m *manifest) error {
	named := make(map[uint64]bool, len(m.runs))
	for i := range m.runs {
		named[m.runs[i].number] = true
	}
	unnamed, err := w.storedRuns(named)
	if err != nil {
		return err
	}
	for _, number := range unnamed {
		if err := deleteRun(w.db, w.o.Prefix, number); err != nil {
			return err
		}
		w.nextRun = max(w.nextRun, number+1)
	}
	return nil
}

// storedRuns lists the numbers of the runs in the store that are not named, ascending. It seeks once a run.
func (w *worker) storedRuns(named map[uint64]bool) ([]uint64, error) {
	lower, upper := []byte{w.o.Prefix}, []byte{w.o.Prefix + 1}
	it, err := w.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("idindex: list runs: %w", err)
	}
	var unnamed []uint64
	for ok := it.First(); ok && err == nil; {
		key := it.Key()
		if len(key) != storeKeyBytes {
			err = corruption(key, "length of the key", storeKeyBytes, uint64(len(key)))
			break
		}
		number := binary.BigEndian.Uint64(key[1:])
		if !named[number] {
			unnamed = append(unnamed, number)
		}
		ok = number != ^uint64(0) && it.SeekGE(appendRunStart(nil, w.o.Prefix, number+1))
	}
	if err == nil {
		err = it.Error()
	}
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	return unnamed, err
}
