package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"gongji/bench/peers"
)

type benchPeersCmd struct {
	Persons          int           `help:"Persons of the world, all with an account." default:"1000000"`
	Seed             uint64        `help:"Seed of the world and its bills." default:"1"`
	For              time.Duration `help:"Time of one measurement; whole seconds." default:"8s"`
	Rounds           int           `help:"Rounds; the sides take turns, the table shows medians." default:"3"`
	Clients          []int         `help:"Connections of pgbench, one settlement a commit." default:"8,32,64"`
	GroupClients     int           `help:"Connections of pgbench, 50 settlements a commit." default:"8"`
	Connections      []int         `help:"Connections of wrk, one settlement a request." default:"64,256"`
	BatchConnections int           `help:"Connections with 1,000 settlements a request." default:"8"`
	SharedBuffers    string        `help:"PostgreSQL's shared_buffers." default:"4GB"`
	Dir              string        `help:"Where both sides put their data; some 20 GB while it runs. A temporary directory if empty; PostgreSQL's user must reach it." placeholder:"DIR"`
	JSON             string        `name:"json" help:"Write the report." placeholder:"FILE"`
	Install          bool          `help:"As root: install what is missing of postgresql, postgresql-contrib and wrk with apt-get."`
}

// Run measures both sides and fails if they differ, their books do not balance, or an answer was wrong.
func (b *benchPeersCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	programs, err := peers.FindPrograms()
	if errors.Is(err, peers.ErrMissing) && b.Install {
		fmt.Println(err)
		if err := peers.Install(ctx, os.Stdout); err != nil {
			return err
		}
		programs, err = peers.FindPrograms()
	}
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := peers.Run(ctx, programs, peers.Options{Binary: self, Dir: b.Dir, Persons: b.Persons, Seed: b.Seed, Clients: b.Clients, GroupClients: b.GroupClients,
		Connections: b.Connections, BatchConnections: b.BatchConnections, Rounds: b.Rounds, Seconds: max(1, int(b.For.Seconds())), SharedBuffers: b.SharedBuffers,
		Import: importWorld, Say: func(format string, args ...any) { fmt.Printf(format+"\n", args...) }})
	if err != nil {
		return err
	}
	r := peers.Report(&out, version)
	r.Command = "gongji " + strings.Join(os.Args[1:3], " ")
	peers.Print(os.Stdout, r)
	if b.JSON != "" {
		text, err := json.MarshalIndent(r, "", " ")
		if err == nil {
			err = os.WriteFile(b.JSON, append(text, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	if len(r.Breaches()) > 0 {
		return exitError(1)
	}
	return nil
}

// importWorld loads the world as `gongji import` does.
func importWorld(ctx context.Context, admin string, w *peers.World) error {
	im := newImporter(newClient(admin), importConnections, importPatience, os.Stderr)
	defer im.client.close()
	for _, l := range []intake{
		{what: "institutions", kind: loadInstitutions, source: generated(-1, w.WriteInstitutions)},
		{what: "persons", kind: loadPersons, source: generated(w.Persons(), w.WritePersons)},
		{what: "bindings", kind: loadBindings, source: generated(w.Bindings(), w.WriteBindings)},
		{what: "opening balances", kind: loadCredits, source: generated(w.Persons(), w.WriteOpening),
			run: creditRun{ID: peers.OpeningRun, Source: peers.OpeningSource, Period: peers.OpeningPeriod}},
	} {
		t, err := im.run(ctx, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		if t.by["accepted"] != t.lines {
			t.print(os.Stderr)
			return fmt.Errorf("%s: %d of %d lines were accepted", l.what, t.by["accepted"], t.lines)
		}
	}
	return nil
}

// As `gongji import` by default.
const (
	importConnections = 4
	importPatience    = 2 * time.Minute
)
