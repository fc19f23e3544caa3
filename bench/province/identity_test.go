package province

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// validIdentity checks a number as GB 11643 defines it, by the recursive form of ISO 7064 MOD 11-2 (not by weights, so that
// it shares nothing with the generator): form, check character, a birth date that exists.
func validIdentity(s string) bool {
	if len(s) != 18 {
		return false
	}
	p := 0
	for k := range 17 {
		if s[k] < '0' || s[k] > '9' {
			return false
		}
		p = (p + int(s[k]-'0')) * 2 % 11
	}
	last := int(s[17] - '0')
	if s[17] == 'X' {
		last = 10
	} else if s[17] < '0' || s[17] > '9' {
		return false
	}
	if _, err := time.Parse("20060102", s[6:14]); err != nil {
		return false
	}
	return (p+last)%11 == 1
}

func TestCheckerItself(t *testing.T) {
	// The example of the standard, also used by many textbooks, and its neighbours.
	for number, want := range map[string]bool{
		"11010519491231002X": true, "440524188001010014": true,
		"110105194912310021": false, "11010519491232002X": false, "1101051949123100X": false,
	} {
		if validIdentity(number) != want {
			t.Errorf("validIdentity(%s) = %v", number, !want)
		}
	}
}

func TestIdentityNumbersValidAndUnique(t *testing.T) {
	p := New(7, 120_000)
	seen := make(map[string]int, p.Persons())
	numbers := make(map[string]int, p.Persons())
	for i := range p.Persons() {
		x := p.Person(i)
		if !validIdentity(x.Certno) {
			t.Fatalf("person %d: invalid number %s", i, x.Certno)
		}
		if x.Certno[:2] != "99" {
			t.Fatalf("person %d: number %s in an area that may exist", i, x.Certno)
		}
		if odd := (x.Certno[16]-'0')%2 == 1; odd != (x.Gend == "1") {
			t.Fatalf("person %d: gender %s, number %s", i, x.Gend, x.Certno)
		}
		if brdy := x.Brdy(); brdy[:4]+brdy[5:7]+brdy[8:] != x.Certno[6:14] {
			t.Fatalf("person %d: born %s, number %s", i, brdy, x.Certno)
		}
		if j, twice := seen[x.Certno]; twice {
			t.Fatalf("persons %d and %d share %s", i, j, x.Certno)
		}
		if j, twice := numbers[x.PsnNo]; twice {
			t.Fatalf("persons %d and %d share psn_no %s", i, j, x.PsnNo)
		}
		seen[x.Certno], numbers[x.PsnNo] = i, i
		if back, ok := p.IndexOf(x.PsnNo); !ok || back != i {
			t.Fatalf("IndexOf(%s) = %d, %v, want %d", x.PsnNo, back, ok, i)
		}
	}
}

// Two persons can only collide when they are of the same class, so whole classes are compared in the largest province.
func TestIdentityNumbersUniqueWhereTheyCouldCollide(t *testing.T) {
	p := New(3, MaxPersons)
	for _, class := range []int{0, 1, 999, 1000, 123_456, identityClasses - 1} {
		seen := map[string]int{}
		for i := class; i < MaxPersons; i += identityClasses {
			number := p.Person(i).Certno
			key := number[3:16] + string('0'+(number[16]-'0')%2) // without pooling area, order by parity
			if j, twice := seen[key]; twice || !validIdentity(number) {
				t.Fatalf("persons %d and %d: %s", i, j, number)
			}
			seen[key] = i
		}
		if len(seen) != dateSlots {
			t.Fatalf("class %d: %d persons compared, want %d", class, len(seen), dateSlots)
		}
	}
}

func TestIndexOfRefusesStrangers(t *testing.T) {
	p := New(1, 1000)
	good := p.PsnNo(17)
	for _, psnNo := range []string{"", good[1:], good + "0", "99900000000000000017", "990000" + good[6:], good[:6] + "00000000001000", good[:6] + "-0000000000017"} {
		if i, ok := p.IndexOf(psnNo); ok {
			t.Errorf("IndexOf(%q) = %d", psnNo, i)
		}
	}
}

func TestPersonIsAFunctionOfSeedAndIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		persons := rapid.IntRange(1, MaxPersons).Draw(t, "persons")
		i := rapid.IntRange(0, persons-1).Draw(t, "i")
		p := New(seed, persons)
		x := p.Person(i)
		if x != New(seed, persons).Person(i) || x.Certno != New(seed, MaxPersons).Person(i).Certno {
			t.Fatalf("person %d differs between two provinces of the same seed", i)
		}
		if !validIdentity(x.Certno) || len(x.PsnNo) != 20 || x.BirthDay >= RefDay {
			t.Fatalf("person %d: %+v", i, x)
		}
		first, n := p.Family(x.Family)
		if i < first || i >= first+n || n > familyMax || x.Family >= p.Families() {
			t.Fatalf("person %d: family %d is [%d, +%d) of %d families", i, x.Family, first, n, p.Families())
		}
	})
}
