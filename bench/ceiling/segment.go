package ceiling

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"gongji/wal"
)

// segmentBytes is the size of the log's own segments: both rotate as often.
const segmentBytes = 64 << 20

// segment is the least that makes records durable: the same bytes, linked, written into a preallocated file; one fdatasync for all that wait.
// Append belongs to one goroutine, the sync loop to another; mu guards what they share.
type segment struct {
	dir    string
	n      int
	offset int
	at     wal.Position
	buf    []byte
	done   chan struct{}

	mu      sync.Mutex
	changed sync.Cond
	file    *os.File
	written uint64
	synced  uint64
	err     error
	closing bool
}

func openSegment(dir string) (appender, error) {
	s := &segment{dir: dir, done: make(chan struct{})}
	s.changed.L = &s.mu
	if err := s.rotate(); err != nil {
		return nil, err
	}
	go s.syncLoop()
	return s, nil
}

func (s *segment) rotate() error {
	if s.file != nil {
		if err := errors.Join(s.waitFor(s.at.Sequence), s.file.Close()); err != nil {
			return err
		}
	}
	s.n++
	f, err := os.Create(filepath.Join(s.dir, fmt.Sprintf("%06d.seg", s.n)))
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.file, s.offset = f, 0
	s.mu.Unlock()
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, segmentBytes); err != nil && !errors.Is(err, syscall.EOPNOTSUPP) {
		return errors.Join(fmt.Errorf("reserve a segment: %w", err), f.Close())
	}
	return nil
}

// Append writes one record; with AppendsOutstandingMax of them not yet durable it waits, as the log does.
func (s *segment) Append(payload []byte) (func() error, error) {
	if err := s.waitFor(s.at.Sequence - min(s.at.Sequence, wal.AppendsOutstandingMax-1)); err != nil {
		return nil, err
	}
	if s.offset > 0 && s.offset+wal.EncodedBytes(len(payload)) > segmentBytes {
		if err := s.rotate(); err != nil {
			return nil, err
		}
	}
	var link wal.Link
	s.buf, link = wal.AppendRecord(s.buf[:0], &identity, s.at.Sequence+1, s.at.Link, payload)
	if _, err := s.file.Write(s.buf); err != nil {
		return nil, err
	}
	s.offset += len(s.buf)
	s.at = wal.Position{Sequence: s.at.Sequence + 1, Link: link}
	sequence := s.at.Sequence
	s.mu.Lock()
	s.written = sequence
	s.changed.Broadcast()
	s.mu.Unlock()
	return func() error { return s.waitFor(sequence) }, nil
}

func (s *segment) waitFor(sequence uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.synced < sequence && s.err == nil {
		s.changed.Wait()
	}
	return s.err
}

func (s *segment) syncLoop() {
	defer close(s.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		for s.written == s.synced {
			if s.closing {
				return
			}
			s.changed.Wait()
		}
		upTo, f := s.written, s.file
		s.mu.Unlock()
		err := syscall.Fdatasync(int(f.Fd()))
		s.mu.Lock()
		if err != nil {
			s.err = fmt.Errorf("sync a segment: %w", err)
			s.changed.Broadcast()
			return
		}
		s.synced = upTo
		s.changed.Broadcast()
	}
}

// Close waits for what was written.
func (s *segment) Close() error {
	err := s.waitFor(s.at.Sequence)
	s.mu.Lock()
	s.closing = true
	s.changed.Broadcast()
	s.mu.Unlock()
	<-s.done
	return errors.Join(err, s.file.Close())
}
