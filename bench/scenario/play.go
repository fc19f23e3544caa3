package scenario

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/ledger"
	"gongji/engine/policy"
	"gongji/engine/sequencer"
)

// Shape is a way of running the same script: the outcome must not depend on it.
type Shape struct {
	Name   string
	Serial bool
	Shards int
}

// Shapes are serial rules and shards.
var Shapes = []Shape{{Name: "serial", Serial: true, Shards: 1}, {Name: "1 shard", Shards: 1}, {Name: "4 shards", Shards: 4}}

// clock is the script's: it moves when the script says so.
type clock struct{ wall, mono atomic.Int64 }

func (c *clock) Wall() int64 { return c.wall.Load() }

// Monotonic runs so fast that no move of the wall clock is a step.
func (c *clock) Monotonic() int64 { return c.mono.Add(1 << 40) }

var zone = time.FixedZone("+08:00", 8*3600)

// Player plays one script on one ledger. It belongs to one goroutine.
type Player struct {
	engine       *engine.Engine
	options      engine.Options
	clock        clock
	persons      map[string]ledger.Key
	institutions map[string]ledger.Code
	ids          map[string]ledger.Key      // of labelled settlements
	positions    map[string]ledger.Position // of the same, once accepted
	bindings     map[string]uint32          // "authorizer user"
	families     map[string]uint32          // by creator
	version      uint32
	serial       uint64
}

// Start makes an empty ledger in dir at the beginning of 2026 under the profile hubei.
func Start(dir string, shape Shape) (*Player, error) {
	p := &Player{persons: map[string]ledger.Key{}, institutions: map[string]ledger.Code{}, ids: map[string]ledger.Key{},
		positions: map[string]ledger.Position{}, bindings: map[string]uint32{}, families: map[string]uint32{}, version: 100}
	p.clock.wall.Store(time.Date(2026, 1, 5, 9, 0, 0, 0, zone).UnixMilli())
	p.options = engine.Options{Dir: filepath.Join(dir, "ledger"), KeyFile: filepath.Join(dir, "key"), Create: true, Clock: &p.clock, Shards: shape.Shards,
		ShardedCommandsMin: 1, HousekeepingInterval: -1, Fatal: func(err error) { panic(err) }}
	if shape.Serial {
		p.options.ShardedCommandsMin = command.BatchCommandsMax + 1
	}
	var err error
	if p.engine, err = engine.Open(p.options); err != nil {
		return nil, err
	}
	return p, p.standard()
}

// standard puts in what every script needs: a pharmacy and a hospital of Wuhan.
func (p *Player) standard() error {
	for _, line := range []string{"institution pharmacy type 2", "institution hospital type 1"} {
		steps, err := ParseScript(strings.NewReader(line))
		if err != nil {
			return err
		}
		if err := p.Play(steps); err != nil {
			return err
		}
	}
	return nil
}

// Play runs steps; the error names the line of the first that came out otherwise.
func (p *Player) Play(steps []Step) error {
	for _, s := range steps {
		verb := verbs[s.Verb]
		if verb == nil {
			return fmt.Errorf("line %d: no step %q", s.Line, s.Verb)
		}
		a := newArgs(s.Args)
		got, err := verb(p, a)
		if err == nil {
			err = a.rest()
		}
		if err != nil {
			return fmt.Errorf("line %d: %s: %w", s.Line, s.Verb, err)
		}
		if err := compare(got, s.Want); err != nil {
			return fmt.Errorf("line %d: %s %s: %w", s.Line, s.Verb, strings.Join(s.Args, " "), err)
		}
	}
	return nil
}

// compare holds the words of a result against those wanted: every wanted word, or name and value, in its place. Nothing wanted: accepted.
func compare(got, want []string) error {
	if want == nil {
		want = []string{ledger.Accepted.String()}
	}
	text := " " + strings.Join(got, " ") + " "
	for _, w := range strings.Split(strings.Join(want, " "), ",") {
		if w = strings.Join(strings.Fields(w), " "); !strings.Contains(text, " "+w+" ") {
			return fmt.Errorf("%s, want %s", strings.TrimSpace(text), w)
		}
	}
	return nil
}

// Restart stops the ledger and opens it again: what was is rebuilt from checkpoint and log.
func (p *Player) Restart() (err error) {
	if err := p.engine.Close(); err != nil {
		return err
	}
	p.engine, err = engine.Open(p.options)
	return err
}

// End stops the ledger and verifies it from zero: chain, journal, digests, books.
func (p *Player) End() (engine.Verdict, error) {
	if err := p.engine.Close(); err != nil {
		return engine.Verdict{}, err
	}
	scratch, err := os.MkdirTemp(filepath.Dir(p.options.Dir), "verify")
	if err != nil {
		return engine.Verdict{}, err
	}
	v, err := engine.Verify(engine.VerifyOptions{Dir: p.options.Dir, KeyFile: p.options.KeyFile, Scratch: scratch})
	if err == nil && v.Totals.Sum() != 0 {
		err = fmt.Errorf("the accounts add to %d fen", v.Totals.Sum())
	}
	return v, err
}

// do runs one command and gives its result.
func (p *Player) do(cmd *ledger.Command, d *command.Details) (sequencer.Result, error) {
	r := sequencer.NewRequest()
	if !cmd.Kind.IsMoney() {
		r.Class = sequencer.Structural
		if cmd.More == nil {
			cmd.More = &ledger.More{}
		}
	}
	if d == nil {
		d = &command.Details{}
	}
	r.Commands, r.Count = command.Append(nil, cmd, d), 1
	if err := p.engine.Do(r); err != nil {
		return sequencer.Result{}, err
	}
	return r.Results[0], nil
}

// plain is do for steps that only have an outcome.
func (p *Player) plain(cmd *ledger.Command, d *command.Details) ([]string, error) {
	r, err := p.do(cmd, d)
	return []string{r.Effect.Outcome.String()}, err
}

// id makes a message id that no other step uses.
func (p *Player) id() ledger.Key {
	p.serial++
	return ledger.K([]byte("scenario"), fmt.Append(nil, p.serial))
}

func (p *Player) person(name string) (ledger.Key, error) {
	k, ok := p.persons[name]
	if !ok {
		return k, fmt.Errorf("nobody is called %q", name)
	}
	return k, nil
}

func pseudonym(name string) ledger.Key { return ledger.K([]byte("certificate"), []byte(name)) }

// see reads the ledger behind everything before.
func (p *Player) see(f func(engine.View) error) (err error) {
	return errors.Join(p.engine.Ask(func(v engine.View) { err = f(v) }), err)
}

// policyOf is a shipped profile as the ledger takes it.
func policyOf(name string) (ledger.Policy, error) {
	if policy.ShippedText(name) == nil {
		return ledger.Policy{}, fmt.Errorf("no profile %q is shipped", name)
	}
	return policy.MustShipped(name).Ledger(), nil
}
