package till

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// triesMax bounds how often a till goes on after an unknown outcome, for one step: a line that fails five times in a row is not there, and people
// pay cash.
const triesMax = 5

// ErrUnresolved says that nobody knows what became of a message and the server could not be asked: the book has it open.
var ErrUnresolved = errors.New("till: outcome unknown")

// Till is a client at work: what it does after each of the three results. One goroutine.
type Till struct {
	*Client
	Out io.Writer // what happens, a line a step; nil: nothing
	// ConfirmLater leaves the confirmation of reversals to the close of the day: while other tills of the institution settle, its totals stand still
	// for nobody.
	ConfirmLater bool
	// ReverseUnknown makes the close undo settlements at the centre whose msgid the book does not have. Everything that a till sends is in its book first, so
	// they are another system's, or the book is not the one they were sent from; only the institution can know. Default: they are entered, and told.
	ReverseUnknown bool

	last *message // of trade
}

func (t *Till) say(format string, args ...any) {
	if t.Out != nil {
		fmt.Fprintf(t.Out, format+"\n", args...)
	}
}

func (t *Till) tell(r *Reply) {
	text := r.Text
	if r.Repeated {
		text += "(the first answer again)"
	}
	t.say("  %s %-10s %s  %s %s", r.Infno, r.Result, r.Msgid, infnoNames[r.Infno], text)
}

// exchange sends a message once and tells what came of it.
func (t *Till) exchange(ctx context.Context, m *message) *Reply {
	r := t.send(ctx, m)
	t.tell(r)
	return r
}

// ask sends a question or a record until the outcome is known: a question under a new msgid each time, a record as the same message. The input of
// nodes is written by in.
func (t *Till) ask(ctx context.Context, infno string, in func(*object)) (*Reply, error) {
	input := newInput(in)
	var m, asked *message
	var r *Reply
	for range triesMax {
		if m == nil || afterUnknown[infno] == askAnew {
			m = t.write(infno, t.NextMsgid(), input)
		}
		first := m != asked
		asked = m
		if r = t.exchange(ctx, m); first && r.foreign() {
			t.Jump()
			m = nil
			continue
		}
		if r.Result != Unknown || ctx.Err() != nil {
			break
		}
	}
	return r, r.err()
}

// trade sends a message that may never be sent twice. Before each try its msgid is in the book; after an unknown outcome it is undone, the undoing
// is confirmed, and only then a new msgid is taken (nhsa-interface.md 1.12). took reads the answer into the entry.
func (t *Till) trade(ctx context.Context, e Entry, in func(*object), took func(*Reply, *Entry) error) (*Reply, Entry, error) {
	input := newInput(in)
	for try := 1; ; try++ {
		e.Msgid, e.State, e.Day = t.NextMsgid(), Pending, t.time().Format("2006-01-02")
		if err := t.Book.Put(e); err != nil {
			return nil, e, err
		}
		t.last = t.write(e.Infno, e.Msgid, input)
		r := t.exchange(ctx, t.last)
		if r.foreign() {
			e.State = Foreign
			t.Jump()
			if err := t.Book.Put(e); err != nil {
				return r, e, err
			}
			if try < triesMax {
				continue
			}
			return r, e, fmt.Errorf("%w: %d message ids in turn are another sender's", ErrRefused, try)
		}
		if r.Result == Answered {
			if err := took(r, &e); err != nil { // an answer that cannot be understood is none
				r.Result, r.Text = Unknown, err.Error()
				t.tell(r)
			}
		}
		switch r.Result {
		case Answered:
			e.State = Done
			return r, e, t.Book.Put(e)
		case Refused:
			e.State = Rejected
			return r, e, errors.Join(t.Book.Put(e), r.err())
		}
		settled, err := t.resolve(ctx, &e)
		if err != nil || settled || try == triesMax {
			return r, e, errors.Join(err, unless(settled, r.err()))
		}
	}
}

func unless(settled bool, err error) error {
	if settled {
		return nil
	}
	return err
}

// Stable codes of a server of this family that a till understands; of another server's text it understands nothing.
const (
	codeReused   = "id_reused"
	codeReversed = "already_reversed"
)

// resolve ends the uncertainty about a message of the book. done: it was executed and stands, which only a cancel can turn out to be.
func (t *Till) resolve(ctx context.Context, e *Entry) (done bool, err error) {
	if e.IsCancel() {
		return t.resolveCancel(ctx, e)
	}
	if err := t.reverse(ctx, e); err != nil {
		return false, err
	}
	e.State = Undone
	if err := t.Book.Put(*e); err != nil {
		return false, err
	}
	return false, t.confirm(ctx)
}

// reverse undoes a message; that it was undone before is as good.
func (t *Till) reverse(ctx context.Context, e *Entry) error {
	if err := t.undo(ctx, e); err != nil && !errors.Is(err, errUndone) {
		return fmt.Errorf("message %s stays open in the book, its reversal: %w", e.Msgid, err)
	}
	return nil
}

// errUndone says that the server refused 2601 because the original is undone.
var errUndone = errors.New("till: already undone")

// undo sends 2601 for a message. If its own outcome is unknown the same 2601 goes out again: undoing twice is undoing once (1.12).
func (t *Till) undo(ctx context.Context, e *Entry) error {
	r, err := t.ask(ctx, infReverse, func(o *object) {
		o.node("data", func(o *object) { o.texts("psn_no", e.PsnNo, "omsgid", e.Msgid, "oinfno", e.Infno) })
	})
	if r.Code == codeReversed {
		return errUndone
	}
	return err
}

// resolveCancel: 2601 may have blocked the cancel, taken it back, or come too late for it, as the region has it (R11). The settlement's own state
// tells, and no late arrival can change it afterwards: either the cancel was executed, or 2601 has blocked it.
func (t *Till) resolveCancel(ctx context.Context, e *Entry) (done bool, err error) {
	if err := t.undo(ctx, e); err != nil && !errors.Is(err, ErrRefused) && !errors.Is(err, errUndone) {
		return false, fmt.Errorf("message %s stays open in the book, its reversal: %w", e.Msgid, err)
	}
	undone, err := t.undone(ctx, e)
	if err != nil {
		return false, fmt.Errorf("message %s stays open in the book, its settlement: %w", e.Msgid, err)
	}
	e.State = Undone
	if undone {
		e.State = Done
	}
	return undone, t.Book.Put(*e)
}

// query is 5203.
func (t *Till) query(ctx context.Context, e *Entry) (Node, error) {
	r, err := t.ask(ctx, infQuery, func(o *object) {
		o.node("data", func(o *object) { o.texts("psn_no", e.PsnNo, "setl_id", e.SetlID, "mdtrt_id", e.MdtrtID) })
	})
	if err != nil {
		return nil, err
	}
	return r.Output.Child("setlinfo"), nil
}

// undone asks 5203 whether a settlement has been undone.
func (t *Till) undone(ctx context.Context, e *Entry) (bool, error) {
	info, err := t.query(ctx, e)
	if err != nil {
		return false, err
	}
	flag := info.Text("refd_setl_flag")
	if flag != "0" && flag != "1" {
		return false, fmt.Errorf("%w: 5203 tells refd_setl_flag %q", ErrUnresolved, flag)
	}
	return flag == "1", nil
}

// confirm asks the reconciliation whether a reversal was done: its acceptance is no proof (1.12).
func (t *Till) confirm(ctx context.Context) error {
	if t.ConfirmLater {
		return nil
	}
	s, err := t.Reconcile(ctx)
	switch {
	case err != nil:
		return err
	case s.Unsupported():
		t.say("  this server has no 3201 yet: the reversal stands on its acceptance alone")
		return nil
	case !s.Level():
		return fmt.Errorf("%w: the reversal is not confirmed, the books are not level", ErrUnresolved)
	}
	t.say("  reversal confirmed: the books are level")
	return nil
}

// Recover undoes what an earlier run left open: it died, or its line did, between sending and writing down.
func (t *Till) Recover(ctx context.Context) error {
	for _, e := range t.Book.Open() {
		t.say("The book has %s %s open: its outcome is unknown.", e.Infno, e.Msgid)
		if _, err := t.resolve(ctx, &e); err != nil {
			return err
		}
	}
	return nil
}

// SignIn is 9001.
func (t *Till) SignIn(ctx context.Context) error {
	t.signNo = ""
	r, err := t.ask(ctx, infSignIn, func(o *object) {
		o.node("signIn", func(o *object) { o.texts("opter_no", t.Operator.No, "mac", "02-00-00-00-00-01", "ip", "127.0.0.1") })
	})
	if err != nil {
		return err
	}
	t.signNo = r.Output.Child("signinoutb").Text("sign_no")
	return nil
}

// SignOut is 9002. A refusal is only told: who asked again after a lost answer is signed out already, and no money hangs on it.
func (t *Till) SignOut(ctx context.Context) error {
	if t.signNo == "" {
		return nil
	}
	_, err := t.ask(ctx, infSignOut, func(o *object) {
		o.node("signOut", func(o *object) { o.texts("sign_no", t.signNo, "opter_no", t.Operator.No) })
	})
	t.signNo = ""
	if errors.Is(err, ErrRefused) {
		return nil
	}
	return err
}
