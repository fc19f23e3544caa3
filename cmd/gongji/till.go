package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"gongji/api/nhsa/sign"
	"gongji/bench/province"
	"gongji/bench/till"
)

type tillCmd struct {
	URL            string        `help:"Address of the server; without a path, the one address for all transactions." default:"http://127.0.0.1:8700"`
	Hospital       bool          `help:"Play an outpatient visit and a stay instead of a pharmacy; in a scripted day, hospitals as well."`
	Decline        bool          `help:"The patient declines after the settlement: it is cancelled."`
	Twice          bool          `help:"Send the settlement's message a second time."`
	Cut            []string      `help:"Cut the line: POINT or POINT@INFNO, where POINT is unsent, half-request, held, sent, unread, half-head, half-answer or garbled; without INFNO at the settlement. all: one dialogue for every point of every message." placeholder:"POINT[@INFNO]|all"`
	Trace          bool          `help:"Print every message as it is, with names, identity numbers and amounts of people: for your own screen."`
	Patient        string        `help:"File (- is standard input) whose first line is an identity number, or TYPE NUMBER [CARD_SN] with TYPE 01 e-voucher, 02 identity card, 03 social-security card. Default: a child of the demo province." placeholder:"FILE"`
	Code           string        `help:"Institution code. Default: one of the demo province." placeholder:"FIXMEDINS_CODE"`
	Area           string        `help:"Area where care is given." default:"991000"`
	Keys           string        `help:"Key file of the institution: messages are signed by its scheme." placeholder:"FILE"`
	Window         time.Duration `help:"How far the time of a signed answer may be from this machine's, at most 2h. Default: the scheme's, 30m; x-tif and the gateway sign no answers." placeholder:"DURATION"`
	ReverseUnknown bool          `help:"At the close, undo settlements of the institution that the book does not have, as after the loss of a book. Default: they are entered and told."`
	Book           string        `help:"The institution's book; what it has open is undone first. Default: a new one, removed when nothing is open." placeholder:"FILE"`

	Tills   int    `help:"A scripted day of that many tills on the demo province, with declines, cut lines and repeats, and a close that must be level."`
	Bills   int    `help:"Bills of that day." default:"200"`
	Seed    uint64 `help:"Seed of that day's script." default:"1"`
	Persons int    `help:"Persons of the demo province in the server." default:"2000"`

	now func() time.Time // nil: the machine's clock
}

// Help tells what the exit code means.
func (tillCmd) Help() string {
	return "Speaks the national interface of designated institutions (医保定点医药机构接口) to any server: a pharmacy (9001, 1101, 2001, 2101, 2102, 9002, receipt) or a hospital. Compares settlement with " +
		"pre-settlement, shows a difference, cancels when the patient declines. When an outcome is unknown it does what tills must: 2601, confirmation by 3201 and 3202, only then a new msgid. " +
		"Exit code 1 unless the books are level at the end."
}

// Run plays on standard output.
func (c *tillCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	level, err := c.play(ctx, os.Stdin, os.Stdout)
	if err != nil {
		return tillHint(err)
	}
	if !level {
		return exitError(1)
	}
	return nil
}

// tillHint adds what to do about the usual first failures.
func tillHint(err error) error {
	hint := ""
	switch text := err.Error(); {
	case strings.Contains(text, "connection refused"):
		hint = "no server there: start one with `make run` (gongji serve --demo), or give --url"
	case strings.Contains(text, "[unknown_credential]") || strings.Contains(text, "[unknown_person]"):
		hint = "the server does not know the patient: it wants the demo province (gongji serve --demo), or give --patient"
	case strings.Contains(text, "[unknown_institution]"):
		hint = "the server does not know the institution: it wants the demo province (gongji serve --demo), or give --code"
	case strings.Contains(text, "[not_supported]"):
		hint = "the server does not have this transaction"
	default:
		return err
	}
	return fmt.Errorf("%w\n  hint: %s", err, hint)
}

// play runs what the flags ask for and tells whether the books are level.
func (c *tillCmd) play(ctx context.Context, in io.Reader, out io.Writer) (level bool, err error) {
	signer, err := c.signer()
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "gongji-till-")
	if err != nil {
		return false, err
	}
	defer func() {
		if level || !anyBook(dir) {
			err = errors.Join(err, os.RemoveAll(dir))
			return
		}
		fmt.Fprintf(out, "What was not proved level is kept in %s\n", dir)
	}()
	if c.Tills > 0 {
		return c.day(ctx, dir, signer, out)
	}
	return c.visits(ctx, dir, signer, in, out)
}

// anyBook tells whether a directory holds a book with something in it.
func anyBook(dir string) bool {
	list, _ := os.ReadDir(dir)
	return slices.ContainsFunc(list, func(e os.DirEntry) bool {
		info, err := e.Info()
		return err == nil && info.Size() > 0
	})
}

// signer makes the client side of the key file's scheme.
func (c *tillCmd) signer() (till.Signer, error) {
	if c.Keys == "" {
		if c.Window != 0 {
			return nil, errors.New("--window is about signed answers: it needs --keys")
		}
		return nil, nil
	}
	keys, err := sign.Load(c.Keys)
	if err != nil {
		return nil, err
	}
	client, err := sign.NewClient(keys, sign.Options{Window: c.Window})
	return signClient{client}, err
}

// signClient is a scheme over net/http headers.
type signClient struct{ sign.Client }

// Sign signs a request.
func (s signClient) Sign(h http.Header, body []byte, now time.Time) ([]byte, error) {
	return s.Client.Sign(h, body, now)
}

// Verify checks an answer.
func (s signClient) Verify(h http.Header, body []byte, now time.Time) ([]byte, error) {
	if strings.HasPrefix(h.Get("Content-Type"), "application/octet-stream") && !sign.SealsFiles(s.Name()) {
		return body, nil
	}
	return s.Client.Verify(sign.HTTP(h), body, now)
}

// place is the institution played: the demo's first pharmacy or hospital, or a given code.
func (c *tillCmd) place() till.Place {
	p := province.New(demoSeed, max(c.Persons, 1))
	k := 0 // even ones are pharmacies
	if c.Hospital {
		k = 1
	}
	x := demoPlace(p, k)
	if c.Code != "" {
		x.Code, x.Name, x.Area = c.Code, "定点医药机构", c.Area
	}
	return x
}

func demoPlace(p *province.Province, k int) till.Place {
	x := p.Institution(k)
	return till.Place{Code: x.Code, Name: x.Name, Area: x.Area, Type: x.Type}
}

// errPatient says that --patient is unusable. It carries nothing of what was read.
var errPatient = errors.New("--patient: the first line must be NUMBER or TYPE NUMBER [CARD_SN] with TYPE 01, 02 or 03")

// credential is what the patient shows.
func (c *tillCmd) credential(in io.Reader) (till.Credential, error) {
	switch c.Patient {
	case "":
		child := cast()[welcomePatient]
		child.number(welcomeSerial)
		return till.Credential{Type: "02", Number: child.certno}, nil
	case "-":
	default:
		f, err := os.Open(c.Patient)
		if err != nil {
			return till.Credential{}, err
		}
		defer f.Close()
		in = f
	}
	line := bufio.NewScanner(in)
	line.Scan()
	switch word := strings.Fields(line.Text()); {
	case len(word) == 1:
		return till.Credential{Type: "02", Number: word[0]}, line.Err()
	case (len(word) == 2 || len(word) == 3) && (word[0] == "01" || word[0] == "02" || word[0] == "03"):
		x := till.Credential{Type: word[0], Number: word[1]}
		if len(word) == 3 {
			x.SN = word[2]
		}
		return x, line.Err()
	}
	return till.Credential{}, errors.Join(errPatient, line.Err())
}

// visits plays one till.
func (c *tillCmd) visits(ctx context.Context, dir string, signer till.Signer, in io.Reader, out io.Writer) (level bool, err error) {
	shown, err := c.credential(in)
	if err != nil {
		return false, err
	}
	path := c.Book
	if path == "" {
		path = filepath.Join(dir, "book")
	}
	book, err := till.OpenBook(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	line := till.NewLine()
	defer line.Close()
	t := &till.Till{Client: &till.Client{Institution: till.NewInstitution(c.place(), book, till.FirstSerial(), c.now),
		Server: &till.Server{URL: c.URL, Line: line, Signer: signer}, Operator: till.Operator{No: "D001", Name: "演示收费员"}}, Out: out, ReverseUnknown: c.ReverseUnknown}
	if c.Trace {
		t.Trace = out
	}
	d := &till.Dialogue{Credential: shown, Decline: c.Decline, Twice: c.Twice, Ask: asker(in, out)}
	fmt.Fprintf(out, "%s %s, msgids and amounts are kept in %s\n", t.Code, t.Name, path)
	if err := t.SignIn(ctx); err != nil {
		return false, err
	}
	if err := t.Recover(ctx); err != nil {
		return false, err
	}
	right := true
	for _, p := range c.plays() {
		ok, err := c.one(ctx, t, p, d, out)
		if err != nil {
			return false, err
		}
		right = right && ok
	}
	if err := t.SignOut(ctx); err != nil {
		return false, err
	}
	r, err := t.Reconcile(ctx)
	if err != nil {
		return false, err
	}
	return right && r.Level() && len(book.Open()) == 0, tellClose(out, r)
}

func (c *tillCmd) plays() []*till.Play {
	if c.Hospital {
		return []*till.Play{&till.Clinic, &till.Ward}
	}
	return []*till.Play{&till.Pharmacy}
}

// one plays a dialogue, or all of a sweep.
func (c *tillCmd) one(ctx context.Context, t *till.Till, p *till.Play, d *till.Dialogue, out io.Writer) (right bool, err error) {
	fmt.Fprintf(out, "\n== %s\n", p.Name)
	if len(c.Cut) == 1 && c.Cut[0] == "all" {
		list, err := t.Sweep(ctx, p, c.sweepPatients(d.Credential))
		return tellSweep(out, list), err
	}
	if err := c.plan(t.Server.Line, p); err != nil {
		return false, err
	}
	v, err := t.Play(ctx, p, d)
	if err != nil {
		return false, err
	}
	for _, w := range v.Wrong {
		fmt.Fprintln(out, "  WRONG:", w)
	}
	right = len(v.Wrong) == 0
	for _, m := range t.Server.Line.TakeCuts() {
		fmt.Fprintf(out, "  the line was cut at %s of %s\n", m.Point, m.Infno)
		if m.Point == till.Held && m.Answer != nil {
			fmt.Fprintf(out, "  the message held on the way was answered %s\n", m.Answer)
		}
	}
	if n := t.Server.Line.Planned(); n > 0 {
		fmt.Fprintf(out, "  WRONG: %d cuts were not reached: no such message was sent\n", n)
		t.Server.Line.Clear()
		right = false
	}
	fmt.Fprintln(out)
	return right, till.Receipt(out, t.Place, t.Operator, v)
}

// plan gives the line its cuts for a dialogue.
func (c *tillCmd) plan(line *till.Line, p *till.Play) error {
	for _, s := range c.Cut {
		name, infno, _ := strings.Cut(s, "@")
		point, err := till.ParsePoint(name)
		if err != nil {
			return fmt.Errorf("--cut %s: %w", s, err)
		}
		if infno == "" {
			infno = p.Settles()
		}
		if p.Has(infno) {
			line.Cut(infno, point)
		} else if !slices.ContainsFunc(c.plays(), func(p *till.Play) bool { return p.Has(infno) }) {
			return fmt.Errorf("--cut %s: a %s sends %v, 2601, 5203, 3201, 3202, 9101 and 9102", s, p.Name, p.Messages)
		}
	}
	return nil
}

// asker asks the patient where there is somebody to ask; nil accepts.
func asker(in io.Reader, out io.Writer) func([]till.Difference) bool {
	f, isFile := in.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return func([]till.Difference) bool {
		fmt.Fprint(out, "  患者是否接受 does the patient accept? [y/N] ")
		answer := bufio.NewScanner(f)
		return answer.Scan() && strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer.Text())), "y")
	}
}

func tellSweep(out io.Writer, list []till.SweepResult) (right bool) {
	right = true
	for _, r := range list {
		if r.Err != nil || len(r.Wrong) > 0 {
			right = false
			fmt.Fprintf(out, "  WRONG: cut at %s of %s: %v %v\n", r.Point, r.Infno, r.Err, r.Wrong)
		}
	}
	fmt.Fprintf(out, "%d dialogues, each with its line cut at another place\n", len(list))
	return right
}

func tellClose(out io.Writer, r *till.Reconciliation) error {
	switch {
	case r.Level():
		fmt.Fprintln(out, "\nReconciliation: level")
	case r.Unsupported():
		fmt.Fprintln(out, "\nReconciliation: this server does not have it; nothing is proved")
	default:
		fmt.Fprintln(out, "\nReconciliation: NOT LEVEL")
	}
	return r.Print(out)
}
