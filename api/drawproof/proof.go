package drawproof

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gongji/api/ids"
	"gongji/api/money"
)

// Proof is the answer of GET /v1/settlements/{setl_id}/draw. Amounts are yuan with two decimals, names are pseudonyms of this draw only.
type Proof struct {
	SetlID     string    `json:"setl_id"`
	SetlTime   time.Time `json:"setl_time"`
	Sequence   uint64    `json:"sequence"`
	Index      uint32    `json:"index"`
	Day        string    `json:"day"`
	Label      string    `json:"label"`
	KeyLogged  time.Time `json:"key_logged"` // when the hash came into the log
	KeyHash    string    `json:"key_hash"`   // SHA-256 of the day key, in hex
	Key        *string   `json:"key"`        // in hex; nil until the day is over
	Candidates []string  `json:"candidates"`
	Drawn      []string  `json:"drawn"`
	Mulaid     string    `json:"acct_mulaid_pay"`
	Paid       []Payment `json:"paid"`
}

// Payment is what one of the candidates paid.
type Payment struct {
	Name   string `json:"name"`
	Amount string `json:"amount"`
}

// BytesMax is the largest answer that is read: 32 candidates have three times a name of 32 characters each, some 5 KB.
const BytesMax = 64 << 10

// ErrNotPublished says that the day key is not told yet, so that nothing can be recomputed.
var ErrNotPublished = errors.New("the day key is not published: ask again after the day")

// ErrProof says that bytes are no answer of a draw call.
var ErrProof = errors.New("not the answer of a draw call")

// Parse reads an answer. ErrProof: it is none.
func Parse(text []byte) (*Proof, error) {
	p := &Proof{}
	if len(text) > BytesMax {
		return nil, fmt.Errorf("%w: %d bytes", ErrProof, len(text))
	}
	switch err := json.Unmarshal(text, p); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrProof, err)
	case p.SetlID == "" || p.KeyHash == "":
		return nil, fmt.Errorf("%w: no setl_id or no key_hash", ErrProof)
	}
	return p, nil
}

// zone of the ledger's days.
var zone = time.FixedZone("+08:00", 8*3600)

// Check recomputes the draw and returns what differs, in words; nothing: the draw is as it had to be. hashBefore is the key hash that was told
// before the day was over, "" if nobody kept it: then a key chosen afterwards, with a hash made for it, cannot be told. ErrNotPublished without a key.
func (p *Proof) Check(hashBefore string) (differs []string, err error) {
	if p.Key == nil {
		return nil, ErrNotPublished
	}
	var d differences
	key, err := hex.DecodeString(*p.Key)
	if err != nil || len(key) != sha256.Size {
		d.say("the key is not 32 bytes in hex")
	}
	if sum := sha256.Sum256(key); hex.EncodeToString(sum[:]) != p.KeyHash {
		d.say("the key has the hash %x, told was %s", sum, p.KeyHash)
	}
	if hashBefore != "" && hashBefore != p.KeyHash {
		d.say("the hash is %s, told before the day was over was %s", p.KeyHash, hashBefore)
	}
	p.checkPlace(&d)
	p.checkOrder(&d, key)
	p.checkPaid(&d)
	return d, nil
}

// DaysAhead is how many whole days before its day the key's hash came into the log, as the proof says. Below 7 (design.md 5) only in the first week of
// a ledger and after an outage.
func (p *Proof) DaysAhead() int {
	day, err := time.ParseInLocation(time.DateOnly, p.Day, zone)
	if err != nil || p.KeyLogged.After(day) {
		return 0
	}
	return int(day.Sub(p.KeyLogged) / (24 * time.Hour))
}

type differences []string

func (d *differences) say(format string, args ...any) { *d = append(*d, fmt.Sprintf(format, args...)) }

// checkPlace holds the inputs against what stands on the receipt: setl_id is (sequence, index), and the day is that of setl_time.
func (p *Proof) checkPlace(d *differences) {
	position, err := ids.ParseSettlement(p.SetlID)
	if err != nil {
		d.say("setl_id: %v", err)
	} else if sequence, index := ids.SplitPosition(position); sequence != p.Sequence || index != p.Index {
		d.say("setl_id is (%d, %d), the draw was made for (%d, %d)", sequence, index, p.Sequence, p.Index)
	}
	if day := p.SetlTime.In(zone).Format(time.DateOnly); day != p.Day {
		d.say("the settlement is of %s, the key of %s", day, p.Day)
	}
	if p.KeyLogged.After(p.SetlTime) {
		d.say("the hash came into the log at %s, after the settlement of %s", p.KeyLogged.In(zone).Format(time.RFC3339), p.SetlTime.In(zone).Format(time.RFC3339))
	}
	if p.Label != Label {
		d.say("the label is %.40q, this program knows %q", p.Label, Label)
	}
}

func (p *Proof) checkOrder(d *differences, key []byte) {
	n := len(p.Candidates)
	if n == 0 || n > CandidatesMax || n != len(p.Drawn) {
		d.say("%d candidates, %d drawn, allowed are 1 to %d of both", n, len(p.Drawn), CandidatesMax)
		return
	}
	seen := map[string]bool{}
	for _, name := range p.Candidates {
		if name == "" || seen[name] {
			d.say("a candidate has no name or stands twice")
			return
		}
		seen[name] = true
	}
	for place, rank := range Order(key, p.Sequence, p.Index, n) {
		if p.Drawn[place] != p.Candidates[rank] {
			d.say("place %d of the drawn order is %.40q, the key draws candidate %d, %.40q", place+1, p.Drawn[place], rank+1, p.Candidates[rank])
		}
	}
}

// checkPaid demands that who paid was asked in the drawn order (those left out had nothing), and that the amounts add up.
func (p *Proof) checkPaid(d *differences) {
	var sum int64
	next := 0 // in Drawn
	for _, payment := range p.Paid {
		fen, err := money.Parse(payment.Amount)
		if err != nil || fen == 0 {
			d.say("%.40q paid %.40q", payment.Name, payment.Amount)
			continue
		}
		sum += fen
		for next < len(p.Drawn) && p.Drawn[next] != payment.Name {
			next++
		}
		if next == len(p.Drawn) {
			d.say("%.40q paid out of his turn, or was not drawn at all", payment.Name)
			return
		}
		next++
	}
	if total, err := money.Parse(p.Mulaid); err != nil || total != sum {
		d.say("the relatives' payments add to %s, acct_mulaid_pay is %.40q", money.Text(sum), p.Mulaid)
	}
}
