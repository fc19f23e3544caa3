package history

import "slices"

// book is what a family's ledger holds, as this package understands the rules (engine/ledger/DESIGN.md 2, 4: kinds 9, 12 to 14, 16). It is never
// changed: a step makes a new one. It shares no code with engine, shard or bench/model.
type book struct {
	balance  [Members]int64
	bindings []binding // living, in the order made
	messages []*message
}

type binding struct {
	number             int64 // anyNumber: made by a message whose answer nobody has seen yet
	authorizer, member int
}

// anyNumber stands for a number that nobody was told.
const anyNumber = -1

// message is what became of a message id: a tombstone, or its first answer.
type message struct {
	tombstone bool
	kind      Kind
	answer    Answer
	reversed  bool
}

func newBook() *book { return &book{balance: Opening} }

func (b *book) of(id int) *message {
	if id >= len(b.messages) {
		return nil
	}
	return b.messages[id]
}

// with is the book with another fate of a message id.
func (b *book) with(id int, m *message) *book {
	n := &book{balance: b.balance, bindings: b.bindings}
	n.messages = make([]*message, max(len(b.messages), id+1))
	copy(n.messages, b.messages)
	n.messages[id] = m
	return n
}

// step gives the books that may hold after a call that was answered so; none: it cannot have been.
func (b *book) step(c *Call, a *Answer) []*book {
	if !c.Kind.Moves() {
		if a.Outcome == Unknown || b.shows(c, a) {
			return []*book{b}
		}
		return nil
	}
	if m := b.of(c.ID); m != nil {
		return b.copied(c, a, m)
	}
	var out []*book
	if a.Outcome == Unknown {
		out = append(out, b)
	} else if a.Repeat {
		return nil // of nothing
	}
	for _, next := range b.execute(c) {
		first := next.messages[c.ID]
		if a.Outcome == Unknown {
			out = append(out, next)
		} else if told := b.fits(c, a, &first.answer); told != nil {
			if told != &first.answer {
				next = next.numbered(c.ID, told)
			}
			out = append(out, next)
		}
	}
	return out
}

// copied is a message that has come before: it moves nothing and answers as the first did.
func (b *book) copied(c *Call, a *Answer, m *message) []*book {
	switch {
	case a.Outcome == Unknown:
		return []*book{b}
	case m.tombstone:
		if a.Outcome == Blocked && !a.Repeat {
			return []*book{b}
		}
		return nil
	case !a.Repeat:
		return nil // it was executed twice, or told as if
	}
	told := b.fits(c, a, &m.answer)
	switch {
	case told == nil:
		return nil
	case told != &m.answer:
		return []*book{b.numbered(c.ID, told)}
	}
	return []*book{b}
}

// fits compares what a caller was told with what the rules say: nil, they differ; another answer than said: the same with a number now known.
func (b *book) fits(c *Call, a, said *Answer) *Answer {
	if a.Outcome != said.Outcome || a.Own != said.Own || a.Mulaid != said.Mulaid || a.Cash != said.Cash || a.Balc != said.Balc {
		return nil
	}
	if a.HasLegs && !slices.Equal(a.Legs, said.Legs) {
		return nil
	}
	if c.Kind != Bind || a.Outcome != Accepted || a.Binding == said.Binding {
		return said
	}
	if said.Binding != anyNumber || b.hasNumber(a.Binding) {
		return nil
	}
	told := *said
	told.Binding = a.Binding
	return &told
}

func (b *book) hasNumber(n int64) bool {
	return slices.ContainsFunc(b.messages, func(m *message) bool { return m != nil && m.kind == Bind && m.answer.Binding == n })
}

// numbered gives a binding the number that a caller was told.
func (b *book) numbered(id int, told *Answer) *book {
	m := *b.messages[id]
	m.answer = *told
	n := b.with(id, &m)
	n.bindings = slices.Clone(b.bindings)
	for i := range n.bindings {
		if n.bindings[i].number == anyNumber-int64(id) {
			n.bindings[i].number = told.Binding
		}
	}
	return n
}

// execute gives the books after a message that came for the first time, one for each order of a draw.
func (b *book) execute(c *Call) []*book {
	switch c.Kind {
	case Settle:
		return b.settle(c)
	case Reverse:
		return []*book{b.reverse(c)}
	case Bind:
		return []*book{b.bind(c)}
	case Unbind:
		return []*book{b.unbind(c)}
	}
	n := b.with(c.ID, &message{kind: Credit, answer: Answer{Outcome: Accepted}})
	n.balance[c.Member] += c.Amount
	return []*book{n}
}

// settle takes the own account, then those of the authorizers in every order in which a draw may put them (14.4).
func (b *book) settle(c *Call) (out []*book) {
	own := min(b.balance[c.Member], c.Amount)
	var base []Leg
	if own > 0 {
		base = append(base, Leg{c.Member, own})
	}
	for _, order := range orders(b.lenders(c.Member)) {
		legs, left := slices.Clone(base), c.Amount-own
		for _, member := range order {
			if give := min(b.balance[member], left); give > 0 {
				legs, left = append(legs, Leg{member, give}), left-give
			}
		}
		if next := b.settled(c, legs, own, left); !slices.ContainsFunc(out, next.equal) {
			out = append(out, next)
		}
	}
	return out
}

func (b *book) settled(c *Call, legs []Leg, own, cash int64) *book {
	m := &message{kind: Settle}
	if c.Refuse && cash > 0 {
		m.answer = Answer{Outcome: ShortOfFunds}
		return b.with(c.ID, m)
	}
	n := b.with(c.ID, m)
	for _, l := range legs {
		n.balance[l.Member] -= l.Amount
	}
	m.answer = Answer{Outcome: Accepted, Own: own, Mulaid: c.Amount - own - cash, Cash: cash, Balc: n.balance[c.Member], Legs: legs}
	return n
}

// lenders are the members with money whose accounts the patient may use; sharing is not passed on (P13).
func (b *book) lenders(patient int) (out []int) {
	for _, x := range b.bindings {
		if x.member == patient && b.balance[x.authorizer] > 0 {
			out = append(out, x.authorizer)
		}
	}
	return out
}

// orders are all permutations; of none the empty one.
func orders(members []int) [][]int {
	if len(members) == 0 {
		return [][]int{nil}
	}
	var out [][]int
	for i, m := range members {
		rest := slices.Delete(slices.Clone(members), i, i+1)
		for _, o := range orders(rest) {
			out = append(out, append([]int{m}, o...))
		}
	}
	return out
}

// reverse gives back what a settlement took, or blocks one that has not come (16, P7, P8).
func (b *book) reverse(c *Call) *book {
	own := &message{kind: Reverse}
	original := b.of(c.About)
	switch {
	case original == nil:
		own.answer.Outcome = Tombstoned
		return b.with(c.About, &message{tombstone: true}).with(c.ID, own)
	case original.tombstone || original.reversed:
		own.answer.Outcome = AlreadyReversed
		return b.with(c.ID, own)
	case original.answer.Outcome != Accepted:
		own.answer.Outcome = NothingToUndo
		return b.with(c.ID, own)
	}
	undone := *original
	undone.reversed = true
	n := b.with(c.About, &undone).with(c.ID, own)
	for _, l := range original.answer.Legs {
		n.balance[l.Member] += l.Amount
	}
	own.answer = Answer{Outcome: Accepted, Own: original.answer.Own, Mulaid: original.answer.Mulaid, Balc: n.balance[c.Member]}
	return n
}

func (b *book) bind(c *Call) *book {
	if slices.ContainsFunc(b.bindings, func(x binding) bool { return x.authorizer == c.Member && x.member == c.Other }) {
		return b.with(c.ID, &message{kind: Bind, answer: Answer{Outcome: Duplicate}})
	}
	n := b.with(c.ID, &message{kind: Bind, answer: Answer{Outcome: Accepted, Binding: anyNumber}})
	n.bindings = append(slices.Clone(b.bindings), binding{anyNumber - int64(c.ID), c.Member, c.Other})
	return n
}

func (b *book) unbind(c *Call) *book {
	i := slices.IndexFunc(b.bindings, func(x binding) bool { return x.number == c.Binding && x.authorizer == c.Member })
	if i < 0 {
		return b.with(c.ID, &message{kind: Unbind, answer: Answer{Outcome: NotBound}})
	}
	n := b.with(c.ID, &message{kind: Unbind, answer: Answer{Outcome: Accepted}})
	n.bindings = slices.Delete(slices.Clone(b.bindings), i, i+1)
	return n
}

// shows tells whether a question could be answered so.
func (b *book) shows(c *Call, a *Answer) bool {
	switch c.Kind {
	case Balance:
		return a.Balc == b.balance[c.Member]
	case Look:
		return a.Balances == b.balance && b.isBound(a.Bound)
	case Preview:
		for _, next := range b.settle(&Call{Kind: Settle, ID: len(b.messages), Member: c.Member, Amount: c.Amount}) {
			said := next.messages[len(b.messages)].answer
			said.Legs, said.Sequence = nil, 0
			if a.Own == said.Own && a.Mulaid == said.Mulaid && a.Cash == said.Cash && a.Balc == said.Balc {
				return true
			}
		}
		return false
	}
	m := b.of(c.About)
	switch {
	case m == nil:
		return a.Outcome == NeverSeen
	case m.tombstone:
		return a.Outcome == IsBlocked
	case m.answer.Outcome != Accepted:
		return a.Outcome == IsRefused
	case m.reversed != (a.Outcome == IsReversed) || m.reversed == (a.Outcome == IsSettled):
		return false
	}
	return a.Own == m.answer.Own && a.Mulaid == m.answer.Mulaid && a.Cash == m.answer.Cash && a.Balc == m.answer.Balc
}

// isBound compares the living bindings with numbers that a caller saw, ascending; one whose number nobody was told matches any that is left over.
func (b *book) isBound(numbers []int64) bool {
	if len(numbers) != len(b.bindings) {
		return false
	}
	free := 0
	for _, x := range b.bindings {
		if x.number < 0 {
			free++
		} else if !slices.Contains(numbers, x.number) {
			return false
		}
	}
	for _, n := range numbers {
		if !slices.ContainsFunc(b.bindings, func(x binding) bool { return x.number == n }) {
			free--
		}
	}
	return free == 0
}

func (b *book) equal(o *book) bool {
	if b.balance != o.balance || !slices.Equal(b.bindings, o.bindings) {
		return false
	}
	for i := range max(len(b.messages), len(o.messages)) {
		x, y := b.of(i), o.of(i)
		if x != y && (x == nil || y == nil || !x.equal(y)) {
			return false
		}
	}
	return true
}

func (m *message) equal(o *message) bool {
	a, b := &m.answer, &o.answer
	return m.tombstone == o.tombstone && m.kind == o.kind && m.reversed == o.reversed && a.Outcome == b.Outcome && a.Own == b.Own && a.Mulaid == b.Mulaid &&
		a.Cash == b.Cash && a.Balc == b.Balc && a.Binding == b.Binding && slices.Equal(a.Legs, b.Legs)
}

// hash is equal for equal books.
func (b *book) hash() uint64 {
	const prime = 1_099_511_628_211 // FNV-1a
	h := uint64(14_695_981_039_346_656_037)
	add := func(v int64) { h = (h ^ uint64(v)) * prime }
	for _, v := range b.balance {
		add(v)
	}
	for _, x := range b.bindings {
		add(x.number)
	}
	for i, m := range b.messages {
		if m != nil {
			add(int64(i)<<8 | int64(m.answer.Outcome))
		}
	}
	return h
}
