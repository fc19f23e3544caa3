package nhsa

// Times of the national interface are local times of China without a zone: +08:00, no daylight saving. Days are since 1970-01-01.

const (
	zoneMS = 8 * 3600 * 1000
	dayMS  = 24 * 3600 * 1000
	// Years that a date may have: a birth is not before 1850, and nothing reaches beyond 2199.
	yearMin, yearMax = 1850, 2199
)

// parseMoment reads yyyy-MM-dd, or with HH:mm:ss behind it, and gives the day. Both are taken where a table has either: senders differ.
func parseMoment(s []byte) (day int64, ok bool) {
	if len(s) != len("2006-01-02") && len(s) != len("2006-01-02 15:04:05") || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y1, ok1 := pair(s[0:])
	y2, ok2 := pair(s[2:])
	m, ok3 := pair(s[5:])
	d, ok4 := pair(s[8:])
	y := y1*100 + y2
	if !ok1 || !ok2 || !ok3 || !ok4 || y < yearMin || y > yearMax || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	if len(s) > len("2006-01-02") {
		h, ok1 := pair(s[11:])
		m, ok2 := pair(s[14:])
		sec, ok3 := pair(s[17:])
		if !ok1 || !ok2 || !ok3 || s[10] != ' ' || s[13] != ':' || s[16] != ':' || h > 23 || m > 59 || sec > 59 {
			return 0, false
		}
	}
	return daysOf(y, m, d), true
}

func pair(s []byte) (int, bool) {
	return int(s[0]-'0')*10 + int(s[1]-'0'), s[0]-'0' <= 9 && s[1]-'0' <= 9
}

func daysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysOf counts from 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day is the last of one.
func daysOf(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	return int64(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 1 - 719_468)
}

// civil is the inverse of daysOf for years from 1600 on.
func civil(day int64) (y, m, d int) {
	n := int(day) + 719_468
	era := n / 146_097
	n %= 146_097
	years := (n - n/1460 + n/36_524 - n/146_096) / 365
	n -= 365*years + years/4 - years/100
	month := (5*n + 2) / 153
	d = n - (153*month+2)/5 + 1
	y, m = years+400*era, month+3
	if m > 12 {
		y, m = y+1, m-12
	}
	return y, m, d
}

func appendPair(dst []byte, n int) []byte { return append(dst, '0'+byte(n/10), '0'+byte(n%10)) }

// appendDay writes yyyy-MM-dd.
func appendDay(dst []byte, day int64) []byte {
	y, m, d := civil(day)
	dst = appendPair(appendPair(dst, y/100), y%100)
	dst = appendPair(append(dst, '-'), m)
	return appendPair(append(dst, '-'), d)
}

func dayOf(ms int64) int64 { return (ms + zoneMS) / dayMS }

// appendMoment writes yyyy-MM-dd HH:mm:ss of unix ms.
func appendMoment(dst []byte, ms int64) []byte {
	sec := int((ms + zoneMS) % dayMS / 1000)
	dst = append(appendDay(dst, dayOf(ms)), ' ')
	dst = append(appendPair(dst, sec/3600), ':')
	dst = append(appendPair(dst, sec/60%60), ':')
	return appendPair(dst, sec%60)
}

// appendStamp writes yyyyMMddHHmmss.
func appendStamp(dst []byte, ms int64) []byte {
	y, m, d := civil(dayOf(ms))
	sec := int((ms + zoneMS) % dayMS / 1000)
	dst = appendPair(appendPair(dst, y/100), y%100)
	dst = appendPair(appendPair(dst, m), d)
	return appendPair(appendPair(appendPair(dst, sec/3600), sec/60%60), sec%60)
}

// appendStampMS writes yyyyMMddHHmmssSSS.
func appendStampMS(dst []byte, ms int64) []byte {
	milli := int(ms % 1000)
	return appendPair(append(appendStamp(dst, ms), '0'+byte(milli/100)), milli%100)
}
