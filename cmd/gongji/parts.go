package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"gongji/bench/province"
)

// A part is some whole lines of NDJSON, sent as one request.
type part struct {
	first int // number of its first line in the source, from 1
	lines int
	body  []byte
	size  int64 // in the unit of its source's total
}

// digest names a part by its content, so that the same lines sent again have the same ids whatever came before them.
func (p *part) digest() string {
	sum := sha256.Sum256(p.body)
	return hex.EncodeToString(sum[:12])
}

// source is NDJSON from a file or made on the fly.
type source struct {
	open  func() (io.ReadCloser, error)
	total int64 // bytes of a file, lines of a province
	bytes bool  // unit of total
}

const (
	// bulkPartLines are four of the server's chunks (4,096 lines, api.md): a part that has to be sent again costs a fraction of a second.
	bulkPartLines = 4 * 4096
	// batchPartLines is the most that …/batch takes (api.md), and batchPartBytes its body limit.
	batchPartLines = 1000
	batchPartBytes = 1 << 20
	// bulkPartBytes bounds what a connection of the importer holds in memory.
	bulkPartBytes = 32 << 20
	// lineBytesMax is the body limit of a call with one such object (64 KiB).
	lineBytesMax = 64 << 10
)

// errLine says that a line of a file cannot be sent.
var errLine = errors.New("line cannot be sent")

// cut reads lines and hands them out in parts of at most lines lines and limit bytes. Empty lines are left out: the line numbers told
// of a part that holds some are too low by as many.
func cut(r io.Reader, lines, limit int, inBytes bool, emit func(part) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, lineBytesMax), lineBytesMax)
	p, number := part{}, 0
	flush := func() error {
		if p.lines == 0 {
			return nil
		}
		full := p
		full.body = bytes.Clone(p.body)
		p = part{body: p.body[:0]}
		return emit(full)
	}
	for in.Scan() {
		number++
		line := in.Bytes()
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if p.lines == lines || len(p.body)+len(line)+1 > limit {
			if err := flush(); err != nil {
				return err
			}
		}
		if p.lines == 0 {
			p.first = number
		}
		p.body = append(append(p.body, line...), '\n')
		p.lines++
		if p.size++; inBytes {
			p.size = int64(len(p.body))
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("%w: line %d: %w", errLine, number+1, err)
	}
	return flush()
}

// each cuts a source and gives the parts to several goroutines; the first error stops all and is returned.
func (s source) each(ctx context.Context, lines, limit, goroutines int, do func(ctx context.Context, p part) error) error {
	r, err := s.open()
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan part)
	done := make(chan struct{}, goroutines)
	for range goroutines {
		go func() {
			defer func() { done <- struct{}{} }()
			for p := range parts {
				if ctx.Err() != nil {
					continue // drain
				}
				if err := do(ctx, p); err != nil {
					cancel(err)
				}
			}
		}()
	}
	err = cut(r, lines, limit, s.bytes, func(p part) error {
		select {
		case parts <- p:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(parts)
	for range goroutines {
		<-done
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// generated makes a source of a writer of package province.
func generated(total int, write func(io.Writer) error) source {
	return source{total: int64(total), open: func() (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() { w.CloseWithError(write(w)) }() // ends at the end, or when r is closed
		return r, nil
	}}
}

// provinceSources are the loads of a generated province.
func provinceSources(p *province.Province) (persons, institutions, bindings, credits source) {
	n := p.Persons()
	return generated(n, p.WritePersons), generated(p.Institutions(), p.WriteInstitutions),
		generated(-1, p.WriteBindings), generated(-1, p.WriteOpening) // -1: not known before they are made
}
