package ledger

// civil turns days since 1970-01-01 into year, month (1..12) and day of the proleptic Gregorian calendar.
func civil(day int32) (year, month, dom int) {
	z := int(day) + 719_468 // days from 0000-03-01
	era := floorDiv(z, 146_097)
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, dom
}

// dayNumber is the inverse of civil.
func dayNumber(year, month, dom int) int32 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*(month-3)+2)/5 + dom - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return int32(era*146_097 + doe - 719_468)
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((b - 1 - a) / b)
	}
	return a / b
}

func daysInMonth(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// AddMonths moves a day by calendar months; a day of month that does not exist becomes the month's last (U2: three calendar months
// after 30 November is 28 or 29 February).
func AddMonths(day int32, months int) int32 {
	y, m, d := civil(day)
	m += months
	y += (m - 1) / 12
	m = (m-1)%12 + 1
	return dayNumber(y, m, min(d, daysInMonth(y, m)))
}

// Age is how many whole years a person born on a day has lived on another: he is a year older from his birthday on, and from 1 March on
// if he was born on a 29 February that the year does not have.
func Age(birth, day int32) int {
	by, bm, bd := civil(birth)
	y, m, d := civil(day)
	age := y - by
	if m < bm || m == bm && d < bd {
		age--
	}
	return age
}
