package till

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// Place is a designated institution as its own system knows it.
type Place struct {
	Code, Name string
	Area       string // admdvs
	Type       string // fixmedins_type: TypeHospital, TypePharmacy
}

// Kinds of institutions (nhsa-interface.md 1.11).
const (
	TypeHospital = "1"
	TypePharmacy = "2"
)

// beijing is the zone of all times in messages.
var beijing = time.FixedZone("+08:00", 8*3600)

// Institution is what the tills of one institution share: its message ids and its book. Any goroutine.
type Institution struct {
	Place
	Book *Book

	now    func() time.Time
	mu     sync.Mutex
	second time.Time
	serial int
}

// serials: the last four digits of a msgid, counted round as HB's client does (nhsa-interface.md 1.5).
const serials = 10_000

// NewInstitution makes an institution with its book. serial is where the last digits of its message ids begin, 0 to 9999: FirstSerial, as two runs within
// one second must not begin at the same. now nil: the machine's clock.
func NewInstitution(p Place, b *Book, serial int, now func() time.Time) *Institution {
	if now == nil {
		now = time.Now
	}
	return &Institution{Place: p, Book: b, serial: serial % serials, now: now}
}

// FirstSerial is where a process begins, at random: it knows nothing of the others of its institution. Two that take a and b ids in one second meet with a
// chance of (a+b)/10,000; the server tells them apart by content, and who is told that an id is another's jumps away.
func FirstSerial() int {
	n, err := rand.Int(rand.Reader, big.NewInt(serials))
	if err != nil {
		panic("till: no randomness: " + err.Error())
	}
	return int(n.Int64())
}

// Jump takes the next message id somewhere else, at least 2 on: another sender counts along here. It is of the second that follows, so that none of this
// sender's own comes again.
func (in *Institution) Jump() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if now := in.time(); now.After(in.second) {
		in.second = now
	}
	in.second = in.second.Add(time.Second)
	in.serial = (in.serial + 1 + FirstSerial()%(serials-2)) % serials
}

// time of the institution, to the second.
func (in *Institution) time() time.Time { return in.now().In(beijing).Truncate(time.Second) }

// NextMsgid is institution code, yyyyMMddHHmmss and a serial: 30 characters where the code has 12. No two are the same: when a second's serials are
// used up, or the clock goes back, it takes the seconds that follow.
func (in *Institution) NextMsgid() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := in.time()
	if !now.After(in.second) {
		now = in.second
	}
	if in.serial++; in.serial == serials {
		in.serial, now = 0, now.Add(time.Second)
	}
	in.second = now
	return fmt.Sprintf("%s%s%04d", in.Code, now.Format("20060102150405"), in.serial)
}
