package main

import (
	"os"

	"gongji/bench/report"
)

type benchCompareCmd struct {
	Old string `arg:"" help:"Report of bench suite --json." type:"existingfile"`
	New string `arg:"" help:"Another one." type:"existingfile"`
}

// Run prints what changed and what is noise. A side whose runs left their bounds is no result: exit code 1.
func (b *benchCompareCmd) Run() error {
	old, err := report.Read(b.Old)
	if err != nil {
		return err
	}
	now, err := report.Read(b.New)
	if err != nil {
		return err
	}
	c := report.Compare(old, now)
	c.Print(os.Stdout)
	if len(c.Breaches) > 0 {
		return exitError(1)
	}
	return nil
}
