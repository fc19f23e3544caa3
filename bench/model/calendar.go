package model

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

const (
	dayMS    = 24 * 60 * 60 * 1000
	chinaMS  = 8 * 60 * 60 * 1000 // +08:00
	drawText = "gongji draw 0"
)

// Day is the civil day at +08:00 of a time in ms since 1970 UTC, as days since 1970-01-01 (s.1).
func Day(timeMS int64) int32 {
	local := timeMS + chinaMS
	day := local / dayMS
	if local%dayMS < 0 {
		day-- // before 1970: round down
	}
	return int32(day)
}

// AddMonths adds calendar months to a day; a day of month that the target month lacks becomes its last one (U2).
func AddMonths(day int32, months uint32) int32 {
	year, month, dayOfMonth := civil(day)
	for range months {
		month++
		if month > 12 {
			month = 1
			year++
		}
	}
	return daysBefore(year, month) + int32(min(dayOfMonth, monthLength(year, month))) - 1
}

// civil turns a day into year, month 1..12 and day of month 1..31 by counting.
func civil(day int32) (year, month, dayOfMonth int) {
	year = 1970
	for day < daysBefore(year, 1) {
		year--
	}
	for day >= daysBefore(year+1, 1) {
		year++
	}
	month = 1
	for month < 12 && day >= daysBefore(year, month+1) {
		month++
	}
	return year, month, int(day-daysBefore(year, month)) + 1
}

// daysBefore is the day number of the first day of a month.
func daysBefore(year, month int) int32 {
	days := int32(0)
	for y := 1970; y < year; y++ {
		days += yearLength(y)
	}
	for y := year; y < 1970; y++ {
		days -= yearLength(y)
	}
	for mon := 1; mon < month; mon++ {
		days += int32(monthLength(year, mon))
	}
	return days
}

func yearLength(year int) int32 {
	if leap(year) {
		return 366
	}
	return 365
}

func monthLength(year, month int) int {
	switch month {
	case 2:
		if leap(year) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// Draw is s.5: it gives the drawn order of n relatives as indexes into their binding-number order.
func Draw(dayKey []byte, sequence uint64, index uint32, n int) []int {
	order := []int{}
	for i := range n {
		order = append(order, i)
	}
	stream := &words{dayKey: dayKey, sequence: sequence, index: index}
	for i := n - 1; i >= 1; i-- {
		j := stream.uniform(uint64(i + 1))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// words is the stream of 64-bit words of one draw.
type words struct {
	dayKey   []byte
	sequence uint64
	index    uint32
	block    uint32
	rest     []uint64
}

func (s *words) next() uint64 {
	if len(s.rest) == 0 {
		input := []byte(drawText)
		input = binary.BigEndian.AppendUint64(input, s.sequence)
		input = binary.BigEndian.AppendUint32(input, s.index)
		input = binary.BigEndian.AppendUint32(input, s.block)
		mac := hmac.New(sha256.New, s.dayKey)
		mac.Write(input)
		sum := mac.Sum(nil)
		for i := range 4 {
			s.rest = append(s.rest, binary.BigEndian.Uint64(sum[8*i:]))
		}
		s.block++
	}
	word := s.rest[0]
	s.rest = s.rest[1:]
	return word
}

// uniform gives a number below m.
func (s *words) uniform(m uint64) uint64 {
	const largest = ^uint64(0)    // 2^64 - 1
	excess := (largest%m + 1) % m // 2^64 mod m
	for {
		if w := s.next(); w >= excess {
			return w % m
		}
	}
}
