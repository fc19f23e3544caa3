package main

import (
	"context"
	"os"
	"os/signal"

	"gongji/bench/report"
)

type benchCeilingsCmd struct {
	Persons int    `help:"Persons of the world that is executed from memory." default:"1000000"`
	Rounds  int    `help:"Measurements of each." default:"3"`
	Quick   bool   `help:"Short runs and a small world."`
	Dir     string `help:"Where to put log and ledger; a temporary directory if empty." placeholder:"DIR"`
}

// Run measures the ceilings alone: what the machine could do if a settlement needed nothing else.
func (b *benchCeilingsCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := newBenchSettings(b.Persons, b.Rounds, b.Quick)
	var err error
	if s.dir, err = os.MkdirTemp(b.Dir, "gongji-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	r, err := newReport(s.dir)
	if err != nil {
		return err
	}
	if err := runBlocks(ctx, os.Stderr, r, []benchBlock{s.ceilings()}); err != nil {
		return err
	}
	report.Print(os.Stdout, r)
	if len(r.Breaches()) > 0 {
		return exitError(1)
	}
	return nil
}
