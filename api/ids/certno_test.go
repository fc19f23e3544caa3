package ids

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// checkChar is the second way to compute it: the weights printed in GB 11643.
func checkChar(d17 string) byte {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += w * int(d17[i]-'0')
	}
	return "10X98765432"[sum%11]
}

func TestCertno(t *testing.T) {
	// 11010519491231002X is the example printed in the standard.
	c, err := ParseCertno("11010519491231002X")
	if err != nil || c != (Certno{1949, 12, 31, true}) {
		t.Fatalf("standard's example: %+v, %v", c, err)
	}
	if err := CheckCertno([]byte("11010519491231002x")); err != nil {
		t.Fatalf("small x: %v", err)
	}
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.IntRange(100000, 999999).Draw(t, "region")
		y, m := rapid.IntRange(birthYearMin, birthYearMax).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m")
		d := rapid.IntRange(1, daysIn(y, m)).Draw(t, "d")
		order := rapid.IntRange(0, 999).Draw(t, "order")
		d17 := fmt.Sprintf("%06d%04d%02d%02d%03d", region, y, m, d, order)
		no := d17 + string(checkChar(d17))
		c, err := ParseCertno(no)
		if err != nil || c != (Certno{y, m, d, order%2 == 0}) {
			t.Fatalf("%s: %+v, %v", no, c, err)
		}
		i := rapid.IntRange(0, 17).Draw(t, "i")
		bad := []byte(no)
		bad[i] = '0' + (bad[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if bad[i] != no[i] && CheckCertno(bad) == nil {
			t.Fatalf("%s accepted for %s", bad, no)
		}
	})
}

func TestCertnoRefused(t *testing.T) {
	withCheck := func(d17 string) string { return d17 + string(checkChar(d17)) }
	for s, want := range map[string]error{
		"": ErrCertno, "110105491231002": ErrCertno, "1101051949123100XX": ErrCertno,
		"１10105194912310": ErrCertno, withCheck("01010519491231002"): ErrCertno,
		"110105194912310020":           ErrCheck,
		withCheck("11010519491331002"): ErrBirth, withCheck("11010519490229002"): ErrBirth,
		withCheck("11010519490931002"): ErrBirth,
		withCheck("11010518491231002"): ErrBirth, withCheck("11010521011231002"): ErrBirth,
		withCheck("11010519001231002"): nil, withCheck("11010519000229002"): ErrBirth,
		withCheck("81010519960229002"): nil, withCheck("91010520000229002"): nil,
		withCheck("11010519491200002"): ErrBirth, withCheck("11010519490031002"): ErrBirth,
	} {
		if err := CheckCertno(s); err != want {
			t.Errorf("CheckCertno(%q) = %v, want %v", s, err, want)
		}
	}
}

func TestMaskAndCanonical(t *testing.T) {
	for s, want := range map[string]string{
		"11010519491231002X": "110***********002X", "": "", "E1234567": "********", "1234567890123": "*************",
		"12345678901234": "123*******1234", "护照12345678901234": "********************",
	} {
		if got := Mask(s); got != want {
			t.Errorf("Mask(%q) = %q, want %q", s, got, want)
		}
	}
	if got := string(AppendCertno(nil, "11010519491231002x")); got != "11010519491231002X" {
		t.Errorf("canonical form %q", got)
	}
}
