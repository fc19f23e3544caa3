package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Credits between runs bring back what settlements have taken (DESIGN.md, "Money").

// periods of credit runs: a person gets one credit a month and source (R26), so every run takes a month of its own out of the far future. 84,000 of
// them pass before the first comes again, at one a second; a run takes longer.
const (
	periodYears = 7_000
	periodFirst = 2_999
	sourceLevel = "correction"
)

// period is the month of a moment.
func period(now time.Time) string {
	n := now.Unix() % (periodYears * 12)
	return fmt.Sprintf("%04d%02d", periodFirst+n/12, 1+n%12)
}

// level puts lost fen back into the accounts that a run has used.
func (b *bench) level(uses []uint64, lost int64) error {
	if lost == 0 {
		return nil
	}
	persons, fen := refill(b.province, b.bills, uses, lost)
	now := time.Now()
	if last := b.levelled; !now.After(last.Add(time.Second)) {
		now = last.Add(time.Second) // its month follows
	}
	b.levelled = now
	id := "W" + strconv.FormatInt(now.Unix()&(1<<44-1), 36)
	var lines []byte
	for i, p := range persons {
		lines = append(b.province.AppendCredit(lines, id, p, fen[i]), '\n')
	}
	open, err := json.Marshal(map[string]any{"run_id": id, "source": sourceLevel, "period": period(now), "count": len(persons), "amount": yuan(lost)})
	if err != nil {
		return err
	}
	if _, err := b.operator.call("/v1/credit-runs", mediaJSON, open); err != nil {
		return fmt.Errorf("%w (credit run %s)", err, id)
	}
	text, err := b.operator.call("/v1/credit-runs/"+id+"/lines", mediaNDJSON, lines)
	if err != nil {
		return fmt.Errorf("%w (credit run %s)", err, id)
	}
	var said struct{ Accepted, Refused int }
	if err := json.Unmarshal(text, &said); err != nil || said.Accepted != len(persons) {
		return fmt.Errorf("wire: credit run %s: %d of %d credits taken, %d refused", id, said.Accepted, len(persons), said.Refused)
	}
	_, err = b.operator.call("/v1/credit-runs/"+id+"/close", mediaJSON, []byte("{}"))
	return err
}
