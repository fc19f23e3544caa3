package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"gongji/api/money"
)

// ErrDiffer says that the two sides do not do the same.
var ErrDiffer = errors.New("PostgreSQL and Gongji differ")

const (
	sameBills   = 2_000
	sameBlocks  = 300 // so few that thin accounts come again, empty
	sameMany    = 50
	sameRepeats = 20 // of the first and of the second half each
	sameRun     = "same"
	sameNumber  = 900 // of all pgbench runs: message ids of its own
)

// answered is what either side says of a bill, in fen.
type answered struct {
	state                int // 1 settled, 2 repeated, 3 refused: other content
	own, aid, cash, balc int64
}

// sample makes bills in which nothing is drawn: of persons who pay alone, or have one relative.
func (w *World) sample() []Bill {
	rng := rand.New(rand.NewPCG(w.seed, sameNumber))
	bills := make([]Bill, sameBills)
	for i := range bills {
		block := rng.IntN(min(sameBlocks, w.blocks)) * blockPersons
		bills[i] = Bill{Patient: block + rng.IntN(4), Institution: rng.IntN(institutions), Fen: billMin + rng.Int64N(billMax-billMin+1)}
	}
	return bills
}

// compare sends the same bills to both sides, before anything else is settled: each must give the same amounts, repeat its answers, and refuse an id with
// other content. PostgreSQL takes the first half one by one, the second fifty at a time.
func compare(ctx context.Context, c *cluster, s *server, w *World) error {
	bills := w.sample()
	if err := compareOnce(ctx, c, s, bills, numbersFrom(0, len(bills)), 1); err != nil {
		return err
	}
	half := len(bills) / 2
	again := append(append([]Bill(nil), bills[:sameRepeats]...), bills[half:half+sameRepeats]...)
	numbers := append(numbersFrom(0, sameRepeats), numbersFrom(half, sameRepeats)...)
	if err := compareOnce(ctx, c, s, again, numbers, 2); err != nil {
		return fmt.Errorf("repeats: %w", err)
	}
	for i := range again {
		again[i].Fen++
	}
	if err := compareOnce(ctx, c, s, again, numbers, 3); err != nil {
		return fmt.Errorf("ids used again: %w", err)
	}
	return nil
}

func numbersFrom(from, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = from + i
	}
	return out
}

// compareOnce expects a state of all of them.
func compareOnce(ctx context.Context, c *cluster, s *server, bills []Bill, numbers []int, state int) error {
	theirs, err := c.settleSample(ctx, bills, numbers)
	if err != nil {
		return err
	}
	ours, err := s.settleSample(bills, numbers)
	if err != nil {
		return err
	}
	if len(theirs) != len(bills) || len(ours) != len(bills) {
		return fmt.Errorf("%w: %d bills, %d and %d answers", ErrDiffer, len(bills), len(theirs), len(ours))
	}
	for i, b := range bills {
		if theirs[i] != ours[i] || ours[i].state != state {
			return fmt.Errorf("%w: bill %d of %d fen: PostgreSQL %+v, Gongji %+v, state %d expected", ErrDiffer, numbers[i], b.Fen, theirs[i], ours[i], state)
		}
	}
	return nil
}

// settleSample calls settle for the first half of the bills and settle_many for the others.
func (c *cluster) settleSample(ctx context.Context, bills []Bill, numbers []int) ([]answered, error) {
	var sql strings.Builder
	half := len(bills) / 2
	for i, b := range bills[:half] {
		fmt.Fprintf(&sql, "SELECT * FROM settle(%d, %d, %d, %d);\n", sameID(numbers[i]), b.Patient, b.Institution, b.Fen)
	}
	for at := half; at < len(bills); at += sameMany {
		var columns [4][]string
		for i := at; i < min(at+sameMany, len(bills)); i++ {
			b := bills[i]
			for k, v := range [4]int{sameID(numbers[i]), b.Patient, b.Institution, int(b.Fen)} {
				columns[k] = append(columns[k], strconv.Itoa(v))
			}
		}
		sql.WriteString("SELECT * FROM unnest(settle_many(")
		for k := range columns {
			if k > 0 {
				sql.WriteString(", ")
			}
			sql.WriteString("'{" + strings.Join(columns[k], ",") + "}'")
		}
		sql.WriteString("));\n")
	}
	out, err := c.psql(ctx, strings.NewReader(sql.String()))
	if err != nil {
		return nil, err
	}
	var answers []answered
	for line := range strings.Lines(out) {
		var a answered
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d|%d|%d|%d|%d", &a.state, &a.own, &a.aid, &a.cash, &a.balc); err != nil {
			return nil, fmt.Errorf("psql: %q: %w", line, err)
		}
		answers = append(answers, a)
	}
	return answers, nil
}

func sameID(number int) int { return sameNumber*1_000_000_000_000 + number }

// settleSample sends the bills through the batch call.
func (s *server) settleSample(bills []Bill, numbers []int) ([]answered, error) {
	var answers []answered
	for at := 0; at < len(bills); at += batchLines {
		var body []byte
		for i := at; i < min(at+batchLines, len(bills)); i++ {
			body = append(AppendSettlement(body, AppendMsgid(nil, sameRun, 0, numbers[i]), bills[i]), '\n')
		}
		out, err := s.post(s.business+"/v1/settlements/batch", mediaNDJSON, body)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(out) {
			a, err := readVerdict(line)
			if err != nil {
				return nil, err
			}
			answers = append(answers, a)
		}
	}
	return answers, nil
}

func readVerdict(line []byte) (a answered, err error) {
	var v struct {
		Status   int
		Replayed bool
		Code     string
		Acct     string `json:"acct_pay"`
		Aid      string `json:"acct_mulaid_pay"`
		Cash     string `json:"psn_cash_pay"`
		Balc     string
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return a, err
	}
	if v.Code == "id_reused" {
		return answered{state: 3}, nil
	}
	if v.Status != 200 {
		return a, fmt.Errorf("%w: verdict %.300s", ErrDiffer, line)
	}
	a.state = 1
	if v.Replayed {
		a.state = 2
	}
	acct := int64(0)
	for _, f := range []struct {
		to   *int64
		text string
	}{{&acct, v.Acct}, {&a.aid, v.Aid}, {&a.cash, v.Cash}, {&a.balc, v.Balc}} {
		if *f.to, err = money.Parse(f.text); err != nil {
			return a, fmt.Errorf("verdict %.300s: %w", line, err)
		}
	}
	a.own = acct - a.aid
	return a, nil
}

// books is what check.sql finds.
type books struct {
	settlements, wrong, paid, entriesSum, entries, legs, below, balances, credits int64
	byLegs                                                                        [legsMax + 1]int64
	relatives                                                                     int64
}

// books checks PostgreSQL's: settled is what pgbench and compare count.
func (c *cluster) books(ctx context.Context, w *World, settled int64) (b books, breaches []string, err error) {
	text, err := statements("check")
	if err != nil {
		return b, nil, err
	}
	out, err := c.query(ctx, text)
	if err != nil {
		return b, nil, err
	}
	fields := strings.Split(out, "|")
	to := []*int64{&b.settlements, &b.wrong, &b.paid, &b.entriesSum, &b.entries, &b.legs, &b.below, &b.balances, &b.credits,
		&b.byLegs[0], &b.byLegs[1], &b.byLegs[2], &b.byLegs[3], &b.byLegs[4], &b.relatives}
	if len(fields) != len(to) {
		return b, nil, fmt.Errorf("check.sql: %q", out)
	}
	for i, f := range fields {
		if *to[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			return b, nil, fmt.Errorf("check.sql: %w", err)
		}
	}
	opening := int64(0)
	for i := range w.Persons() {
		opening += w.OpeningFen(i)
	}
	for _, x := range []struct {
		what      string
		got, want int64
	}{
		{"settlements", b.settlements, settled}, {"settlements whose parts do not add up", b.wrong, 0}, {"fen in entries", b.entriesSum, b.paid}, {"entries", b.entries, b.legs},
		{"accounts below 0", b.below, 0}, {"fen in accounts", b.balances, opening + b.credits - b.paid},
	} {
		if x.got != x.want {
			breaches = append(breaches, fmt.Sprintf("%s: %d, should be %d", x.what, x.got, x.want))
		}
	}
	return b, breaches, nil
}
