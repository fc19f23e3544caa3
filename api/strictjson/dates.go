package strictjson

// Date is a calendar date as the number yyyymmdd: 20260131. Dates compare like numbers. 0 is none.
type Date int32

// Parts splits a date.
func (d Date) Parts() (year, month, day int) {
	return int(d) / 10000, int(d) / 100 % 100, int(d) % 100
}

// Days is the number of days since 1970-01-01 in the proleptic Gregorian calendar, computed
// without a clock or a time zone.
func (d Date) Days() int {
	y, m, day := d.Parts()
	return daysBefore(y) + monthDays(y, m) + day - 1 - daysBefore(1970)
}

// dateOf is the date so many days, 0 or more, after 1970-01-01: Days turned round. Years are counted from March, so that the day that comes and goes is their last.
func dateOf(days int) Date {
	const fromMarchOf0 = 719_468 // days from 0000-03-01 to 1970-01-01
	days += fromMarchOf0
	era, day := days/146_097, days%146_097 // 400 years
	year := (day - day/1_460 + day/36_524 - day/146_096) / 365
	day -= year*365 + year/4 - year/100
	month := (5*day + 2) / 153 // from March
	day -= (153*month + 2) / 5
	if year += era * 400; month >= 10 {
		return Date((year+1)*10_000 + (month-9)*100 + day + 1)
	}
	return Date(year*10_000 + (month+3)*100 + day + 1)
}

// yearMin and yearMax bound dates in requests: a birth date is not before 1850, and nothing we do
// reaches beyond 2199.
const (
	yearMin = 1850
	yearMax = 2199
)

// zoneSeconds is +08:00, the only zone that api.md allows.
const zoneSeconds = 8 * 3600

// Date reads "2006-01-02"; the day must exist.
func (d *Decoder) Date() Date {
	s := d.String(len("2006-01-02"), len("2006-01-02"))
	if d.failed {
		return 0
	}
	date, ok := parseDate(s)
	if !ok {
		d.fail(CodeBadValue, d.pos)
	}
	return date
}

// Time reads an RFC 3339 time in the zone +08:00, "2006-01-02T15:04:05+08:00" with up to three
// decimals of a second, and returns milliseconds since 1970-01-01 UTC. Leap seconds, small letters
// and other zones are refused, so one instant has few spellings.
func (d *Decoder) Time() int64 {
	const longest = len("2006-01-02T15:04:05.000+08:00")
	s := d.String(longest, longest)
	if d.failed {
		return 0
	}
	ms, ok := parseTime(s)
	if !ok {
		d.fail(CodeBadValue, d.pos)
		return 0
	}
	return ms
}

func parseTime(s []byte) (ms int64, ok bool) {
	const clock, zone = len("2006-01-02T"), "+08:00"
	if len(s) < clock+len("15:04:05")+len(zone) || s[clock-1] != 'T' || string(s[len(s)-len(zone):]) != zone {
		return 0, false
	}
	date, ok1 := parseDate(s[:clock-1])
	h, ok2 := number(s[clock : clock+2])
	m, ok3 := number(s[clock+3 : clock+5])
	sec, ok4 := number(s[clock+6 : clock+8])
	if !ok1 || !ok2 || !ok3 || !ok4 || s[clock+2] != ':' || s[clock+5] != ':' || h > 23 || m > 59 || sec > 59 {
		return 0, false
	}
	milli := 0
	if fraction := s[clock+8 : len(s)-len(zone)]; len(fraction) > 0 {
		if fraction[0] != '.' || len(fraction) > 4 {
			return 0, false
		}
		v, ok := number(fraction[1:])
		if !ok {
			return 0, false
		}
		for range 4 - len(fraction) {
			v *= 10
		}
		milli = v
	}
	seconds := int64(date.Days())*86400 + int64(h*3600+m*60+sec) - zoneSeconds
	return seconds*1000 + int64(milli), true
}

func parseDate(s []byte) (Date, bool) {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := number(s[:4])
	m, ok2 := number(s[5:7])
	day, ok3 := number(s[8:])
	if !ok1 || !ok2 || !ok3 || y < yearMin || y > yearMax || m < 1 || m > 12 || day < 1 ||
		day > monthDays(y, m+1)-monthDays(y, m) {
		return 0, false
	}
	return Date(y*10000 + m*100 + day), true
}

// number reads a non-empty run of digits; the callers bound its length.
func number(s []byte) (v int, ok bool) {
	for _, c := range s {
		if c-'0' > 9 {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, len(s) > 0
}

// daysBefore is the number of days before 1 January of year y, from year 1.
func daysBefore(y int) int { y--; return y*365 + y/4 - y/100 + y/400 }

// monthDays is the number of days of year y before month m; m may be 13.
func monthDays(y, m int) int {
	days := [...]int{0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}[m]
	if m > 2 && (y%4 == 0 && y%100 != 0 || y%400 == 0) {
		days++
	}
	return days
}
