package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"gongji/api"
	"gongji/api/nhsa"
	"gongji/api/rest"
	"gongji/engine"
)

type serveCmd struct {
	Dir           string `help:"Directory of the ledger." default:"data/gongji" placeholder:"DIR"`
	KeyFile       string `help:"Key file, outside the directory; without it the ledger cannot start. Default: DIR.key." placeholder:"FILE"`
	MarkFile      string `help:"Where the acknowledged-up-to mark lies; a second disk makes it independent. Default: in the directory." placeholder:"FILE"`
	Create        bool   `help:"Make a new ledger (and key file) if the directory holds none." default:"true" negatable:""`
	Listen        string `help:"Address for tills, cashiers and apps." default:"127.0.0.1:8700"`
	AdminListen   string `help:"Address for operators: health, metrics, people, money." default:"127.0.0.1:8701"`
	Shards        int    `help:"Shards; 0: one a core. Tuning, never meaning."`
	CheckpointMib int    `help:"Log written between two checkpoints, in MiB: bounds the restart; 0: 256, or more where the state is large." default:"0"`
	Archive       string `help:"Directory for sealed segments of the log: complete ones go there behind each checkpoint, and the log is truncated. Without it nothing is deleted." placeholder:"DIR"`
	Quarantine    string `help:"Take out the one command whose execution kills this start, as the last line of the log named it; see engine/DESIGN.md." placeholder:"SEQ:INDEX"`
	Reason        string `help:"Why it is taken out: kept for ever, in the state hash, and names nobody." placeholder:"TEXT"`
	LogLevel      string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
	Echo          bool   `help:"Also serve POST /echo, the same front door around no work, to measure against." hidden:""`
	Demo          bool   `help:"Load the demo province into an empty ledger and print a curl that works."`
	DemoPersons   int    `help:"Size of the demo province." default:"2000"`

	nationalFlags `embed:""`
}

func (s *serveCmd) keyFile() string {
	if s.KeyFile != "" {
		return s.KeyFile
	}
	return filepath.Clean(s.Dir) + ".key"
}

// quarantine is what the flags ask for; nil: nothing.
func (s *serveCmd) quarantine() (*engine.Quarantine, error) {
	if s.Quarantine == "" {
		if s.Reason != "" {
			return nil, errors.New("--reason is for --quarantine")
		}
		return nil, nil
	}
	sequence, index, both := strings.Cut(s.Quarantine, ":")
	n, err1 := strconv.ParseUint(sequence, 10, 64)
	i, err2 := strconv.ParseUint(index, 10, 16)
	if !both || err1 != nil || err2 != nil {
		return nil, fmt.Errorf("--quarantine %q: want SEQ:INDEX, two numbers", s.Quarantine)
	}
	return &engine.Quarantine{Sequence: n, Index: int(i), Reason: s.Reason}, nil
}

// Run serves until SIGINT or SIGTERM, then stops in order.
func (s *serveCmd) Run() error {
	level, err := zerolog.ParseLevel(s.LogLevel)
	if err != nil {
		return err
	}
	log := zerolog.New(os.Stderr).Level(level).With().Timestamp().Logger()
	national, closeNational, err := s.nationalFlags.options(s.Demo)
	if err != nil {
		return err
	}
	defer closeNational()
	quarantine, err := s.quarantine()
	if err != nil {
		return err
	}
	e, err := engine.Open(engine.Options{
		Dir: s.Dir, KeyFile: s.keyFile(), MarkFile: s.MarkFile, Create: s.Create, Shards: s.Shards, CheckpointBytes: int64(s.CheckpointMib) << 20, Quarantine: quarantine, Archive: s.Archive,
		Fatal: func(err error) {
			log.Error().Err(err).Msg("ends")
			os.Exit(engine.FatalExitCode)
		},
		Report: func(event string, values map[string]any) { log.Info().Fields(values).Msg(event) },
	})
	if err != nil {
		return err
	}
	server, err := s.listen(e, national, log)
	if err != nil {
		return errors.Join(err, e.Close())
	}
	served, welcomed := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve() }()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM) // before anybody can know that we serve
	log.Info().Str("listen", s.Listen).Str("admin", s.AdminListen).Str("signatures", national.Guard.Scheme()).Msg("serving")
	if s.Demo {
		go func() { welcomed <- demoWelcome(os.Stdout, s.Listen, s.AdminListen, s.DemoPersons, s.SignKeys) }()
	}
	for {
		select {
		case sig := <-signals:
			log.Info().Stringer("signal", sig).Msg("stopping")
			return stopInOrder(server, e, log)
		case err := <-served:
			return errors.Join(err, stopInOrder(server, e, log))
		case err := <-welcomed:
			if err != nil {
				return errors.Join(err, stopInOrder(server, e, log))
			}
		}
	}
}

func (s *serveCmd) listen(e *engine.Engine, national nhsa.Options, log zerolog.Logger) (*api.Server, error) {
	routes := append(rest.Routes(e, rest.Options{}), nhsa.Routes(e, national)...)
	if s.Echo {
		routes = append(routes, api.EchoRoute("/echo"))
	}
	server, err := api.New(api.Options{Listen: s.Listen, AdminListen: s.AdminListen, Log: log, Ready: e.Ready, WriteMetrics: func(w io.Writer) {
		e.WriteMetrics(w)
		national.Guard.WriteMetrics(w)
	}}, routes)
	if err != nil {
		return nil, err
	}
	return server, server.Listen()
}

// stopInOrder answers what was accepted and closes the ledger; after engine.StopLimit it is an ordinary crash, which recovery handles.
func stopInOrder(server *api.Server, e *engine.Engine, log zerolog.Logger) error {
	hard := time.AfterFunc(engine.StopLimit, func() {
		log.Error().Dur("after", engine.StopLimit).Msg("stop took too long")
		os.Exit(engine.FatalExitCode)
	})
	defer hard.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), engine.StopLimit/2)
	defer cancel()
	err := errors.Join(server.Shutdown(ctx), e.Close())
	if err == nil {
		log.Info().Msg("stopped")
	}
	return err
}
