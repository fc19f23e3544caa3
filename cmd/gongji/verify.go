package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gongji/api/ids"
	"gongji/api/money"
	"gongji/engine"
	"gongji/engine/ledger"
)

type verifyCmd struct {
	Dir     string   `arg:"" help:"Stopped ledger directory, or a copy that the server made (POST /v1/ledger/copies)." default:"data/gongji"`
	KeyFile string   `help:"Key file; needed to recompute draws of days whose key is not published yet. Default: DIR.key if it is there." placeholder:"FILE"`
	Archive string   `help:"Archive of the log, if it was truncated (serve --archive, gongji archive)." placeholder:"DIR"`
	Copy    bool     `help:"The directory is a copy older than the archive: read the archive only as far as the copy goes."`
	Acked   string   `help:"A client's own book of acknowledged settlements, NDJSON: fixmedins_code, msgid, setl_id, acct_pay, acct_mulaid_pay, psn_cash_pay." placeholder:"FILE"`
	Root    []string `help:"A sequence and the log_chain or effect_chain that was told at it (GET /v1/ledger/totals), kept by you: SEQUENCE:HASH. May be repeated." placeholder:"SEQ:HASH"`
	Scratch string   `help:"Directory for the replayed state." placeholder:"DIR"`
}

// Run replays the log and prints the verdict; any difference is an error and the exit code is not 0.
func (v *verifyCmd) Run() error {
	o := engine.VerifyOptions{Dir: v.Dir, KeyFile: v.KeyFile, Scratch: v.Scratch, Archive: v.Archive, Copy: v.Copy}
	if o.KeyFile == "" {
		if path := filepath.Clean(v.Dir) + ".key"; exists(path) {
			o.KeyFile = path
		}
	}
	for _, text := range v.Root {
		r, err := readRoot(text)
		if err != nil {
			return err
		}
		o.Roots = append(o.Roots, r)
	}
	lines := 0
	if v.Acked != "" {
		o.Acked = func(lookup func(ledger.Key) (engine.Entry, bool, error)) (err error) {
			lines, err = checkBook(v.Acked, lookup)
			return err
		}
	}
	start := time.Now()
	r, err := engine.Verify(o)
	if err != nil {
		return fmt.Errorf("NOT VERIFIED: %w", err)
	}
	fmt.Printf("verified  ledger %s in %.1f s with the serial rules, from the first record\n", r.Ledger, time.Since(start).Seconds())
	fmt.Printf("log       %d batches, %d commands, every checksum and link of the chain\n", r.Batches, r.Commands)
	if r.Segments > 0 {
		fmt.Printf("archive   %d segments with %d of the batches, every seal\n", r.Segments, r.Archived)
	}
	if r.TornBytes > 0 {
		fmt.Printf("tail      %d bytes behind the last whole record: a write cut off by a crash, never acknowledged; left where they are\n", r.TornBytes)
	}
	fmt.Printf("journal   %d blocks equal to the byte, %d postings fold to the balances held\n", r.Blocks, r.Postings)
	fmt.Printf("digests   %d stored checkpoints equal; effect chain %x  state hash %x\n", r.Checkpoints, r.EffectChain, r.StateHash)
	for _, q := range r.Quarantined {
		fmt.Printf("quarantine  command %d:%d (%s), SHA-256 %x, taken out %s: %s\n", q.Sequence, q.Index, q.Kind.Name(), q.Command, time.UnixMilli(q.TimeMS).UTC().Format(time.RFC3339), q.Reason)
	}
	t := r.Totals
	fmt.Printf("books     personal %s + family %s + institutions %s + premiums %s + area dues %s %s + bank %s + funding %s = %s yuan\n", yuan(t.Personal), yuan(t.Family), yuan(t.Institution),
		yuan(t.Premium), yuan(t.AreaOwed), yuan(t.AreaClaimed), yuan(t.FundBank), yuan(t.Funding), yuan(t.Sum()))
	fmt.Printf("held      %d persons, %d settlements accepted\n", r.Persons, r.Settlements)
	if r.Roots > 0 {
		fmt.Printf("roots     %d that were kept outside are those of this log\n", r.Roots)
	}
	if v.Acked != "" {
		fmt.Printf("book      %d acknowledged settlements are there with the same amounts\n", lines)
	}
	return nil
}

// readRoot reads SEQUENCE:HASH, the hash in hexadecimal.
func readRoot(text string) (r engine.Root, err error) {
	sequence, hash, _ := strings.Cut(text, ":")
	if r.Sequence, err = strconv.ParseUint(sequence, 10, 64); err == nil {
		var b []byte
		if b, err = hex.DecodeString(hash); err == nil && (len(b) != len(r.Hash) || r.Sequence == 0) {
			err = fmt.Errorf("a sequence from 1 and %d bytes of hash are needed", len(r.Hash))
		}
		copy(r.Hash[:], b)
	}
	if err != nil {
		err = fmt.Errorf("root %q: %w", text, err)
	}
	return r, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// yuan prints fen with a sign, for people.
func yuan(fen int64) string {
	if fen < 0 {
		return "-" + money.Text(-fen)
	}
	return money.Text(fen)
}

// bookLine is one acknowledged settlement in a client's own book.
type bookLine struct {
	Code   string `json:"fixmedins_code"`
	Msgid  string `json:"msgid"`
	SetlID string `json:"setl_id"`
	Acct   string `json:"acct_pay"`
	Mulaid string `json:"acct_mulaid_pay"`
	Cash   string `json:"psn_cash_pay"`
}

// checkBook demands that every line of the book is in the ledger with the same id and amounts. A line cut off by a crash of the client ends it.
func checkBook(path string, lookup func(ledger.Key) (engine.Entry, bool, error)) (lines int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		var l bookLine
		if json.Unmarshal(in.Bytes(), &l) != nil {
			if in.Scan() {
				return lines, fmt.Errorf("book: line %d is not readable", lines+1)
			}
			break
		}
		if err := checkLine(&l, lookup); err != nil {
			return lines, fmt.Errorf("book, line %d: %w", lines+1, err)
		}
		lines++
	}
	return lines, in.Err()
}

func checkLine(l *bookLine, lookup func(ledger.Key) (engine.Entry, bool, error)) error {
	e, found, err := lookup(ledger.K([]byte(l.Code), []byte(l.Msgid)))
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("LOST: acknowledged settlement %s is not in the log", l.SetlID)
	}
	got := bookLine{Code: l.Code, Msgid: l.Msgid, SetlID: string(ids.AppendSettlement(nil, uint64(e.Position))),
		Acct: money.Text(e.Effect.AcctPay()), Mulaid: money.Text(e.Effect.Mulaid), Cash: money.Text(e.Effect.Cash)}
	if e.Effect.Outcome != ledger.Accepted || got != *l {
		return fmt.Errorf("DIFFERENT: the book says %s acct %s aid %s cash %s, the ledger %s %s acct %s aid %s cash %s",
			l.SetlID, l.Acct, l.Mulaid, l.Cash, e.Effect.Outcome, got.SetlID, got.Acct, got.Mulaid, got.Cash)
	}
	return nil
}
