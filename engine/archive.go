package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"gongji/engine/state"
	"gongji/wal"
	"gongji/wal/archive"
	"gongji/wal/pebblelog"
)

// ErrArchived says that a record is in the log's archive, which this process was not given.
var ErrArchived = errors.New("the log was truncated, and its archive is not here")

// archived makes wal.ErrTruncated say what to do.
func archived(err error) error {
	if errors.Is(err, wal.ErrTruncated) {
		return fmt.Errorf("%w (--archive): %w", ErrArchived, err)
	}
	return err
}

// joinArchive ties the log to the archive of the options, if they name one.
func (e *Engine) joinArchive(log *pebblelog.Log) (wal.Log, error) {
	if e.options.Archive == "" {
		if base := log.Base().Sequence; base > 0 {
			e.options.Report("archive not given", map[string]any{"first_sequence": base + 1}) // older commands cannot be told
		}
		return log, nil
	}
	joined, err := e.options.joinArchive(log, e.identity)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	e.archive = joined.Archive
	e.stats.Archived.Store(joined.Archive.Last().Sequence)
	return joined, nil
}

func (o *Options) joinArchive(log wal.Log, id wal.Identity) (*archive.Joined, error) {
	a, err := archive.Open(o.Archive, archive.Options{Identity: id, Create: true, SegmentBytes: o.archiveSegment})
	if err != nil {
		return nil, err
	}
	return archive.Join(log, a)
}

// keepArchive is the goroutine that seals what is complete behind each checkpoint and truncates the log below it. A failure of the archive is told and
// tried again behind the next checkpoint: nothing is deleted meanwhile.
func (e *Engine) keepArchive() {
	defer close(e.archived)
	if e.archive == nil {
		return
	}
	for {
		if err := e.sealAndTruncate(); err != nil && !errors.Is(err, archive.ErrCancelled) {
			e.options.Report("archive failed", map[string]any{"error": err.Error()})
		}
		select {
		case <-e.stopping:
			return
		case <-e.failed:
			return
		case <-e.sealing:
		}
	}
}

// wakeArchive tells keepArchive that a checkpoint is durable; if it is at work it will look again.
func (e *Engine) wakeArchive() {
	select {
	case e.sealing <- struct{}{}:
	default:
	}
}

// sealAndTruncate goes no further than the last flushed state: what lies behind a start needs (design.md 7).
func (e *Engine) sealAndTruncate() error {
	e.archiving.Lock()
	defer e.archiving.Unlock()
	begun, durable := time.Now(), e.core.store.DurableSequence()
	n, err := e.archive.Seal(e.log, archive.Sealing{Through: durable, Cancel: e.stopping})
	last := min(e.archive.Last().Sequence, durable)
	e.stats.Archived.Store(last)
	if n > 0 {
		e.options.Report("archived", map[string]any{"segments": n, "sequence": last, "ms": time.Since(begun).Milliseconds()})
	}
	if err != nil || last == 0 {
		return err
	}
	e.copying.Lock() // a copy's state and log must meet
	defer e.copying.Unlock()
	return e.log.Truncate(last + 1)
}

// ArchiveOptions of archiving a stopped ledger.
type ArchiveOptions struct {
	Dir      string
	MarkFile string // as in Options
	To       string // directory of the archive; made if it is missing
	Through  uint64 // last record to be archived; 0: all up to the newest checkpoint
}

// ArchiveReport says what Archive did.
type ArchiveReport struct {
	Segments   int    // sealed now
	Through    uint64 // last archived record
	Checkpoint uint64 // sequence of the newest checkpoint: the most that may be archived
	First      uint64 // first record the log still has
}

// Archive seals the log of a stopped ledger up to its newest checkpoint, which it loads first, and truncates it. A directory in use is wal.ErrLocked or a
// locked store.
func Archive(o ArchiveOptions) (r ArchiveReport, err error) {
	id, err := readIdentity(state.DefaultFS, o.Dir, identityName)
	if err != nil {
		return r, err
	}
	at, err := newestCheckpoint(o.Dir, id)
	if err != nil {
		return r, err
	}
	r.Checkpoint = at.Sequence
	if o.Through > at.Sequence {
		return r, fmt.Errorf("through %d: only what the newest checkpoint holds may leave the log, and that is of %d", o.Through, at.Sequence)
	}
	log, err := pebblelog.Open(filepath.Join(o.Dir, "log"), pebblelog.Options{Identity: id, MarkPath: o.MarkFile, OnFatal: func(error) {},
		VerifyFrom: wal.Position{Sequence: at.Sequence, Link: wal.Link(at.WalLink)}})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	a := Options{Archive: o.To}
	joined, err := a.joinArchive(log, id)
	if err != nil {
		return r, err
	}
	if o.Through == 0 {
		o.Through = at.Sequence
	}
	if r.Segments, err = joined.Archive.Seal(log, archive.Sealing{Through: o.Through, Rest: true}); err != nil {
		return r, err
	}
	r.Through = joined.Archive.Last().Sequence
	if keep := min(r.Through, at.Sequence); keep > 0 {
		err = log.Truncate(keep + 1)
	}
	r.First = log.Base().Sequence + 1
	return r, err
}

// newestCheckpoint loads the newest checkpoint, to see that it can be, and closes it.
func newestCheckpoint(dir string, id wal.Identity) (m state.Mark, err error) {
	s, err := state.Open(filepath.Join(dir, stateName), state.Options{Identity: state.Identity{Ledger: id.Ledger, Directory: id.Directory}, Build: formatName, ReadOnly: true})
	if err != nil {
		return m, err
	}
	_, loaded, err := s.Load(state.LoadOptions{})
	return loaded.Mark, errors.Join(err, s.Close())
}
