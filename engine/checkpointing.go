package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gongji/engine/ledger"
	"gongji/engine/state"
)

// checkpointing is what reads frozen pages: the checkpoint under way, if any, and walks for totals. Executor's goroutine.
type checkpointing struct {
	current *state.Checkpoint
	begun   time.Time
	pages   int64                 // bytes of pages that the last one wrote, of an earlier run too
	walks   []*walk               // under way, at most walksMax
	walking func(sequence uint64) // told before each walk, on the caller's goroutine; nil but in tests, which set it before any walk
}

// Done is closed when something has ended that endCheckpoint should look at; nil, which blocks for ever, without anything. Only one can be given: the checkpoint
// goes first, as the next one waits for its end. A walk that ends meanwhile is thawed with it, at no cost: pages are being copied anyway.
func (c *checkpointing) Done() <-chan struct{} {
	if c.current == nil && len(c.walks) > 0 {
		return c.walks[0].ended
	}
	return c.current.Done()
}

// walk begins one; if walksMax are under way it gives instead what is closed when the first of them ends.
func (c *checkpointing) walk(st *ledger.State) (w *walk, busy <-chan struct{}) {
	c.thawEnded()
	if len(c.walks) >= walksMax {
		return nil, c.walks[0].ended
	}
	w = &walk{snapshot: state.Look(st), ended: make(chan struct{})}
	c.walks = append(c.walks, w)
	return w, nil
}

// thawEnded ends copying for walks that have been read.
func (c *checkpointing) thawEnded() {
	c.walks = slices.DeleteFunc(c.walks, func(w *walk) bool {
		ended := isClosed(w.ended)
		if ended {
			w.snapshot.Thaw()
		}
		return ended
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// beginCheckpoint freezes the tables after a batch; a goroutine of the store writes them. While one is under way no other begins.
func (e *Engine) beginCheckpoint() (err error) {
	if e.checkpoint.current != nil {
		return nil
	}
	c := &e.core
	e.checkpoint.begun = time.Now()
	e.checkpoint.current, err = c.store.Begin(c.tables, c.ids, state.Mark{Sequence: c.sequence, TimeMS: c.timeMS, WalLink: c.link, EffectChain: c.chain})
	e.logBytes = 0
	return err
}

// checkpointDue says whether so much log lies behind the last checkpoint that the next should begin.
func (e *Engine) checkpointDue() bool {
	least := e.options.CheckpointBytes
	if e.options.stretch {
		least = max(least, int64(float64(e.checkpoint.pages)/pagesPerLogByte))
	}
	return e.logBytes >= least && e.checkpoint.current == nil
}

// endCheckpoint looks what has ended: walks, the checkpoint, or both.
func (e *Engine) endCheckpoint() error {
	e.checkpoint.thawEnded()
	if k := e.checkpoint.current; k == nil || !isClosed(k.Done()) {
		return nil
	}
	return e.finishCheckpoint()
}

// finishCheckpoint waits for the checkpoint under way and ends it.
func (e *Engine) finishCheckpoint() error {
	k := e.checkpoint.current
	e.checkpoint.current = nil
	if err := k.End(); err != nil {
		return err
	}
	e.stats.Checkpoint.Store(k.Info().Sequence)
	e.wakeArchive()
	st := k.Stats()
	e.checkpoint.pages = st.PageBytes
	e.options.Report("checkpoint", map[string]any{"sequence": k.Info().Sequence, "pages": st.Pages, "bytes": st.PageBytes,
		"ms": time.Since(e.checkpoint.begun).Milliseconds()})
	return nil
}

// lastCheckpoint leaves nothing to replay, after the executor's goroutine has ended.
func (e *Engine) lastCheckpoint() error {
	if e.checkpoint.current != nil {
		if err := e.finishCheckpoint(); err != nil {
			return err
		}
	}
	if e.core.store.DurableSequence() == e.core.sequence {
		return nil
	}
	if err := e.beginCheckpoint(); err != nil {
		return err
	}
	return e.finishCheckpoint()
}

// ErrCopyExists says that there is a copy of this name already.
var ErrCopyExists = errors.New("a copy of this name exists")

// CopiesDir is where Copy puts its copies: beside the ledger's directory.
func (e *Engine) CopiesDir() string { return filepath.Clean(e.options.Dir) + ".copies" }

// Copy is Checkpoint into CopiesDir under a name. Any goroutine.
func (e *Engine) Copy(name string) error {
	err := e.Checkpoint(filepath.Join(e.CopiesDir(), name))
	if errors.Is(err, os.ErrExist) {
		return ErrCopyExists
	}
	return err
}

// Checkpoint copies the running ledger into dir, which must not exist: first the state, then the log from there on, with a new mark. The
// copy is a ledger directory that Open with NewMark and Verify accept; what the log's archive has is not in it. Any goroutine.
func (e *Engine) Checkpoint(dir string) error {
	fs := e.files()
	if err := fs.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := e.newDir(dir); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	e.copying.Lock()
	defer e.copying.Unlock()
	if err := e.core.store.Copy(filepath.Join(dir, stateName)); err != nil {
		return err
	}
	if err := e.log.Checkpoint(filepath.Join(dir, "log")); err != nil {
		return err
	}
	if err := copyQuarantines(e.options.Dir, dir); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := writeIdentity(fs, dir, e.identity); err != nil {
		return err
	}
	return finishIdentity(fs, dir)
}

// newDir makes a directory that must not exist; file systems of tests have no such call.
func (e *Engine) newDir(dir string) error {
	if fs := e.options.rig.fs; fs != nil {
		return fs.MkdirAll(dir, 0o700)
	}
	return os.Mkdir(dir, 0o700)
}
