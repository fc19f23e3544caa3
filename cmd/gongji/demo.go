package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"gongji/bench/province"
)

type demoCmd struct {
	Persons int    `help:"Persons of the demo province." default:"2000"`
	Seed    uint64 `help:"Seed of the demo province." default:"1"`
	Server  string `help:"Play against this running server instead of one of the demo's own: its business address." placeholder:"URL"`
	Admin   string `help:"Admin address of that server." placeholder:"URL"`
}

// Help tells what the exit code means.
func (demoCmd) Help() string {
	return "Loads a small province, plays the worked figures and a day of settlements over three pooling areas, tells who paid what, and proves the books. " +
		"Exit code 1 if any figure differs from what it must be."
}

// Run plays the demo on standard output. SIGINT and SIGTERM end it in order, so that its temporary directory goes; a second one ends it at once.
func (c *demoCmd) Run() error {
	if (c.Server == "") != (c.Admin == "") {
		return errors.New("--server and --admin go together")
	}
	if c.Persons < demoPersonsMin || c.Persons > province.MaxPersons {
		return fmt.Errorf("--persons %d, must be %d to %d", c.Persons, demoPersonsMin, province.MaxPersons)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	differences, err := c.play(ctx, os.Stdout)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		return exitError(1)
	}
	return nil
}

// demoPersonsMin is the smallest province that has people with and without accounts in all areas.
const demoPersonsMin = 200

// play runs the whole demo, or until ctx is done, and returns what differed.
func (c *demoCmd) play(ctx context.Context, out io.Writer) (differences []string, err error) {
	p := province.New(c.Seed, c.Persons)
	business, admin := strings.TrimSuffix(c.Server, "/"), strings.TrimSuffix(c.Admin, "/")
	var h *house
	if business == "" {
		if h, err = openHouse(); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, h.stop(), h.remove()) }()
		business, admin = h.business(), h.admin()
	}
	s := newStage(ctx, out, business, admin, p, h)
	defer s.close()
	s.head("The province")
	if err := s.load(out, p, c.Seed); err != nil {
		return nil, err
	}
	for _, sc := range scenes {
		s.head(sc.title)
		if err := sc.play(s); err != nil {
			return s.differences, fmt.Errorf("%s: %w", sc.title, err)
		}
	}
	s.verdict()
	return s.differences, nil
}

// load puts the province into the ledger, or counts what of it is there already.
func (s *stage) load(out io.Writer, p *province.Province, seed uint64) error {
	im := newImporter(s.admin, 1, demoPatience, out)
	for _, l := range provinceLoads(p, seed) {
		t, err := im.run(s.admin.ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		t.print(out)
		s.must(t.refusedLines() == 0, "%d %s were refused", t.refusedLines(), l.what)
	}
	return nil
}

func (s *stage) verdict() {
	if n := len(s.differences); n > 0 {
		s.head(fmt.Sprintf("%d differences", n))
		for _, d := range s.differences {
			s.say("  %s", d)
		}
		return
	}
	s.head("Every figure is as it must be")
}
