package sim

import (
	"bytes"
	"fmt"

	"gongji/bench/model"
	"gongji/bench/oracle"
	"gongji/engine"
	"gongji/engine/command"
	"gongji/engine/executor"
	"gongji/engine/journal"
	"gongji/engine/ledger"
	"gongji/engine/state"
)

// observer follows the log as it is executed, with the model beside it. What it has seen once must stay for ever.
type observer struct {
	model    *model.Generator
	source   *keySource
	policy   model.Policy             // the first
	known    map[string]model.Command // by encoding
	blocks   [][]byte                 // journal block of each sequence, from 1
	payloads [][]byte
	chains   []journal.Link
	hashes   map[uint64][32]byte // state hash by sequence, where one was taken
	executed map[ledger.Key]ledger.Position
	admitted map[string]int // how often each command came in and was not yet seen in the log
	sights   []sight        // read, and not yet held against the model
	timeMS   int64
	commands int
	accepted [256]int
}

func newObserver(seed uint64, source *keySource, policy model.Policy) *observer {
	return &observer{model: model.NewGenerator(seed), source: source, policy: policy, known: map[string]model.Command{},
		hashes: map[uint64][32]byte{}, executed: map[ledger.Key]ledger.Position{}, admitted: map[string]int{}}
}

func (o *observer) last() uint64 { return uint64(len(o.blocks)) }

// learn remembers a client's command and gives its encoding.
func (o *observer) learn(c model.Command) []byte {
	b := oracle.AppendCommand(nil, c)
	o.known[string(b)] = c
	return b
}

// observe follows what has been kept since the last time.
func (o *observer) observe(s *engine.Stepper) error {
	j := s.Journal()
	if err := o.looked(); err != nil { // of what was kept before somebody asked
		return err
	}
	for o.last() < j.Applied() {
		if err := o.next(s, o.last()+1); err != nil {
			return fmt.Errorf("batch %d: %w", o.last()+1, err)
		}
		if err := o.looked(); err != nil {
			return err
		}
	}
	if n := j.Applied(); n > 0 && s.Chain() != o.chains[n-1] {
		return fmt.Errorf("effect chain at %d is %x, the blocks say %x", n, s.Chain(), o.chains[n-1])
	}
	return nil
}

func (o *observer) next(s *engine.Stepper, sequence uint64) error {
	record, err := s.Log().Get(sequence, nil)
	if err != nil {
		return fmt.Errorf("kept, but its record is not durable: %w", err)
	}
	block, err := s.Journal().Block(sequence)
	if err != nil {
		return err
	}
	var fx ledger.Effects
	if err := block.Effects(&fx); err != nil {
		return err
	}
	batch, keys, err := o.read(sequence, record.Payload)
	if err != nil {
		return err
	}
	if batch.TimeMS < o.timeMS || batch.TimeMS != block.TimeMS {
		return fmt.Errorf("time %d, block's %d, after %d", batch.TimeMS, block.TimeMS, o.timeMS)
	}
	o.timeMS = batch.TimeMS
	if err := o.judge(sequence, keys, &fx); err != nil {
		return err
	}
	step := o.model.Observe(batch, o.source.of)
	if err := oracle.Compare(step.Batch, step.Results, &fx); err != nil {
		return err
	}
	o.commands += len(fx.List)
	o.keep(block.Bytes(), record.Payload)
	return o.model.Model().CheckBalances() // P1, P2
}

func (o *observer) keep(block, payload []byte) {
	var chain journal.Link
	if n := len(o.chains); n > 0 {
		chain = o.chains[n-1]
	}
	o.blocks = append(o.blocks, bytes.Clone(block))
	o.payloads = append(o.payloads, payload)
	o.chains = append(o.chains, chain.Next(block))
}

// judge checks without the model: nobody below 0 (P2), no id executed twice (P4).
func (o *observer) judge(sequence uint64, keys []ledger.Key, fx *ledger.Effects) error {
	if len(keys) != len(fx.List) {
		return fmt.Errorf("%d commands, %d effects", len(keys), len(fx.List))
	}
	for i := range fx.List {
		f := &fx.List[i]
		for _, l := range fx.LegsOf(f) {
			if l.After < 0 || l.Amount == 0 {
				return fmt.Errorf("command %d: leg %+v", i, l)
			}
		}
		if f.Outcome == ledger.Accepted {
			o.accepted[f.Kind]++
		}
		if keys[i].IsZero() || !isOwn(f.Outcome) {
			continue
		}
		if before, twice := o.executed[keys[i]]; twice {
			return fmt.Errorf("command %d: id %x executed at %x and again", i, keys[i], before)
		}
		o.executed[keys[i]] = ledger.At(sequence, i)
	}
	return nil
}

// isOwn reports an outcome of the command itself, not of what its id says.
func isOwn(o ledger.Outcome) bool {
	return o != ledger.Repeated && o != ledger.IDReused && o != ledger.Blocked
}

// read turns a record back into commands of the model.
func (o *observer) read(sequence uint64, payload []byte) (b model.Batch, keys []ledger.Key, err error) {
	var opened executor.Batch
	if err := opened.Open(sequence, payload); err != nil {
		return b, nil, err
	}
	b = model.Batch{Sequence: sequence, TimeMS: opened.Head.TimeMS}
	for i, at := range opened.Offsets {
		end := len(opened.Head.Commands)
		if i+1 < len(opened.Offsets) {
			end = int(opened.Offsets[i+1])
		}
		raw := opened.Head.Commands[at:end]
		c, found := o.known[string(raw)]
		if found && o.admitted[string(raw)] > 0 {
			o.admitted[string(raw)]--
		} else if c, err = o.own(raw); err != nil {
			return b, nil, fmt.Errorf("command %d was logged more often than it came in: %w", i, err)
		}
		_, key := command.Peek(raw)
		b.Commands, keys = append(b.Commands, c), append(keys, key)
	}
	return b, keys, nil
}

// own reads a command of the engine itself; any other that no client sent, or not so often, is made up.
func (o *observer) own(raw []byte) (model.Command, error) {
	var cmd ledger.Command
	if _, err := command.Decode(raw, &cmd, nil); err != nil {
		return nil, err
	}
	switch cmd.Kind {
	case ledger.KindGenesis:
		return model.Genesis{LedgerID: model.Key(cmd.More.Ledger)}, nil
	case ledger.KindPolicy:
		return o.policy, nil
	case ledger.KindDayKey:
		return model.DayKey{Day: cmd.Day, Hash: cmd.More.Hash, Sealed: bytes.Clone(cmd.More.Sealed)}, nil
	case ledger.KindDayKeyPublish:
		return model.DayKeyPublish{Day: cmd.Day, Key: cmd.More.Key}, nil
	case ledger.KindTick:
		return model.Tick{}, nil
	case ledger.KindClockConfirm:
		return model.ClockConfirm{}, nil
	case ledger.KindDayClose:
		return model.DayClose{Day: cmd.Day}, nil
	}
	return nil, fmt.Errorf("kind %d is not one that the engine sends itself", cmd.Kind)
}

// hash takes the state hash behind the last executed batch; one of the same sequence before must have been equal, whoever executed it (P14).
func (o *observer) hash(s *engine.Stepper) error {
	v := s.View()
	h := state.Hash(v.State)
	if before, found := o.hashes[v.Sequence]; found && before != h {
		return fmt.Errorf("state hash at %d is %x, was %x", v.Sequence, h, before)
	}
	o.hashes[v.Sequence] = h
	return nil
}

// recovered checks a machine that has just started: nothing that was kept is gone or different (P3, P6, P14).
func (o *observer) recovered(s *engine.Stepper) error {
	for i, want := range o.blocks {
		sequence := uint64(i) + 1
		record, err := s.Log().Get(sequence, nil)
		if err != nil {
			return fmt.Errorf("answered, and lost by the restart: %w", err)
		}
		if !bytes.Equal(record.Payload, o.payloads[i]) {
			return fmt.Errorf("record %d is another one after the restart", sequence)
		}
		block, err := s.Journal().Block(sequence)
		if err != nil {
			return fmt.Errorf("after the restart: %w", err)
		}
		if !bytes.Equal(block.Bytes(), want) {
			return fmt.Errorf("journal block %d differs after the restart", sequence)
		}
	}
	if err := o.observe(s); err != nil {
		return err
	}
	if err := o.outlived(); err != nil {
		return err
	}
	if err := o.hash(s); err != nil {
		return err
	}
	return o.compare(s)
}

// compare holds the tables against the model's books; everything executed must have been kept and observed.
func (o *observer) compare(s *engine.Stepper) error {
	v, m := s.View(), o.model.Model()
	if v.Sequence != o.last() {
		return fmt.Errorf("BUG: state at %d, observed %d", v.Sequence, o.last())
	}
	for account, want := range m.Balances() {
		if got := v.State.Balance(ledger.AccountID(account)); got != want {
			return fmt.Errorf("account %x holds %d, model says %d", account, got, want)
		}
	}
	if t := v.State.Totals(); t.Sum() != 0 {
		return fmt.Errorf("totals %+v sum to %d", t, t.Sum())
	}
	ids := m.IDs()
	if n := v.State.Scalars.At(0).Ids.Count; int(n) != len(ids) {
		return fmt.Errorf("%d ids, model has %d", n, len(ids))
	}
	for key, want := range ids {
		got, found := v.FindID(ledger.Key(key))
		if !found || uint64(got.Position) != want.Position || int(got.Tag) != want.Tag {
			return fmt.Errorf("id %x is %+v, model says %+v", key, got, want)
		}
	}
	day := ledger.DayOf(v.TimeMS)
	for _, err := range []error{oracle.ComparePolicies(m, v.State), oracle.CompareClearings(m, v.State), oracle.ComparePersons(m, v.State),
		oracle.CompareBindings(m, v.State, day), oracle.CompareVisits(m, v.State, day)} {
		if err != nil {
			return err
		}
	}
	return nil
}

// hashExecuted is hash, if something was executed: also of batches not kept yet.
func (o *observer) hashExecuted(s *engine.Stepper) error {
	if s.View().Sequence == 0 {
		return nil
	}
	return o.hash(s)
}

// hashSettled is hash and compare at a place where all is kept.
func (o *observer) hashSettled(s *engine.Stepper) error {
	for s.Keep() {
	}
	if s.Failed() != nil {
		return nil
	}
	if err := o.observe(s); err != nil {
		return err
	}
	if err := o.hash(s); err != nil {
		return err
	}
	return o.compare(s)
}
