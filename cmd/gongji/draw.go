package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"gongji/api/drawproof"
)

type drawCmd struct {
	Verify drawVerifyCmd `cmd:"" help:"Recompute a random draw from its proof alone: the answer of GET /v1/settlements/{setl_id}/draw, after its day."`
}

type drawVerifyCmd struct {
	Proof   string `arg:"" help:"The answer as a JSON file, or its URL." placeholder:"FILE|URL"`
	KeyHash string `help:"key_hash as it was told before the day was over: without it nobody can tell a key that was chosen afterwards." placeholder:"HEX"`

	out io.Writer // nil: standard output
}

// Run recomputes the draw; the exit code is 0 only if nothing differs.
func (v *drawVerifyCmd) Run() error {
	out := v.out
	if out == nil {
		out = os.Stdout
	}
	text, err := v.read()
	if err != nil {
		return err
	}
	p, err := drawproof.Parse(text)
	if err != nil {
		return err
	}
	differs, err := p.Check(v.KeyHash)
	if err != nil {
		return fmt.Errorf("NOT VERIFIED: %w", err)
	}
	fmt.Fprintf(out, "draw      settlement %s = (sequence %d, index %d) of %s\n", p.SetlID, p.Sequence, p.Index, p.Day)
	fmt.Fprintf(out, "key       %s\nhash      %s, in the log since %s, %d days ahead\n", *p.Key, p.KeyHash, p.KeyLogged.In(beijing).Format("2006-01-02 15:04"), p.DaysAhead())
	for _, d := range differs {
		fmt.Fprintln(out, "DIFFERS  ", d)
	}
	if len(differs) > 0 {
		return fmt.Errorf("NOT VERIFIED: %d differences", len(differs))
	}
	v.tell(out, p)
	return nil
}

func (v *drawVerifyCmd) tell(out io.Writer, p *drawproof.Proof) {
	rank, paid := map[string]int{}, map[string]string{}
	for i, name := range p.Candidates {
		rank[name] = i + 1
	}
	for _, payment := range p.Paid {
		paid[payment.Name] = payment.Amount
	}
	for place, name := range p.Drawn {
		amount := paid[name]
		if amount == "" {
			amount = "0.00"
		}
		fmt.Fprintf(out, "asked %2d  binding %2d of %d, %s, paid %s\n", place+1, rank[name], len(p.Candidates), name, amount)
	}
	fmt.Fprintf(out, "OK        %d candidates, %d paid %s together: drawn as the key and the settlement's place in the log demand\n", len(p.Drawn), len(p.Paid), p.Mulaid)
	if v.KeyHash == "" {
		fmt.Fprintln(out, "          (with --key-hash, kept from before the day was over, the key itself is proved too)")
	}
}

// read gets the answer from a file or a server.
func (v *drawVerifyCmd) read() ([]byte, error) {
	if strings.HasPrefix(v.Proof, "http://") || strings.HasPrefix(v.Proof, "https://") {
		c := newClient("")
		defer c.close()
		a, err := c.send(context.Background(), http.MethodGet, v.Proof, "", nil)
		if err != nil {
			return nil, err
		}
		if !a.ok() {
			return nil, a.problem()
		}
		return a.body, nil
	}
	f, err := os.Open(v.Proof)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, drawproof.BytesMax+1))
}
