package idindex

import "fmt"

// BeginCheckpoint switches tables, so that all inserted so far goes into the manifest and nothing later. Owner only, between batches; it
// waits only if a seal is still being written (blocked). Every BeginCheckpoint needs its WaitCheckpoint before the next.
func (ix *Index) BeginCheckpoint() (blocked bool, err error) {
	if err := ix.Err(); err != nil {
		return false, err
	}
	if ix.checkpoint.Swap(true) {
		return false, fmt.Errorf("%w: begun again before WaitCheckpoint", ErrCheckpoint)
	}
	return ix.seal(true)
}

// WaitCheckpoint waits until everything from before BeginCheckpoint is written to the store and returns the manifest. The caller puts the
// manifest into its checkpoint record *after* this returns and flushes the store; then it calls ManifestDurable. Any goroutine.
func (ix *Index) WaitCheckpoint() (manifest []byte, version uint64, err error) {
	if !ix.checkpoint.Load() {
		return nil, 0, fmt.Errorf("%w: none begun", ErrCheckpoint)
	}
	select {
	case result := <-ix.worker.manifests:
		ix.checkpoint.Store(false)
		return result.bytes, result.version, nil
	case <-ix.worker.ended:
		return nil, 0, ix.Err()
	}
}

// ManifestDurable tells that the manifest of this version is flushed and that no start will ever use an older one. Only then are
// runs deleted that it does not name. Any goroutine. A version that was never built is refused.
func (ix *Index) ManifestDurable(version uint64) error {
	w := ix.worker
	if built := w.built.Load(); version > built {
		return fmt.Errorf("%w: version %d durable, newest built is %d", ErrCheckpoint, version, built)
	}
	for old := w.durable.Load(); old < version; old = w.durable.Load() {
		if w.durable.CompareAndSwap(old, version) {
			signal(w.wake)
			break
		}
	}
	return ix.Err()
}
