package main

import (
	"fmt"

	"gongji/engine"
)

type archiveCmd struct {
	Dir      string `arg:"" help:"Stopped ledger directory." default:"data/gongji"`
	To       string `help:"Directory of the archive; made if it is missing." placeholder:"DIR" required:""`
	Through  uint64 `help:"Last sequence to archive; 0: all up to the newest checkpoint." placeholder:"SEQ"`
	MarkFile string `help:"The acknowledged-up-to mark, as for serve." placeholder:"FILE"`
}

// Run seals and truncates, and says what is where now.
func (a *archiveCmd) Run() error {
	r, err := engine.Archive(engine.ArchiveOptions{Dir: a.Dir, To: a.To, Through: a.Through, MarkFile: a.MarkFile})
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	fmt.Printf("archive   %d segments sealed and read back, records 1 to %d are in %s\n", r.Segments, r.Through, a.To)
	fmt.Printf("log       begins at %d now; the newest checkpoint is of %d\n", r.First, r.Checkpoint)
	fmt.Printf("verify    gongji verify %s --archive %s\n", a.Dir, a.To)
	return nil
}
