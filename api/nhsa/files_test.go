package nhsa

import (
	"fmt"
	"testing"

	"gongji/engine/ledger"
)

func fileStoreOf(limits fileLimits) *fileStore {
	s := &fileStore{}
	s.begin(limits)
	return s
}

// holds compares what the store's own counts say with what it has.
func (s *fileStore) holds(t *testing.T, files, bytes int) {
	t.Helper()
	sum, listed := 0, 0
	for _, k := range s.byNo {
		sum += len(k.data)
	}
	ownBytes := 0
	for _, own := range s.owners {
		listed += own.list.Len()
		ownBytes += own.bytes
	}
	if len(s.byNo) != files || s.all.Len() != files || listed != files || sum != bytes || s.bytes != bytes || ownBytes != bytes {
		t.Errorf("%d files by number, %d in all, %d by owner; %d bytes, counted %d, by owner %d; want %d of %d", len(s.byNo), s.all.Len(), listed, sum, s.bytes, ownBytes, files, bytes)
	}
}

// Files of an institution are bounded by its own limits, its oldest making room; those of all are refused; each is gone after its hours.
func TestFileStore(t *testing.T) {
	s := fileStoreOf(fileLimits{keepMS: 1000, institutionBytes: 10, institutionFiles: 3, bytes: 25, files: 6})
	a, b, c := ledger.NewCode([]byte("A")), ledger.NewCode([]byte("B")), ledger.NewCode([]byte("C"))
	add := func(owner ledger.Code, bytes int, nowMS int64) *keptFile {
		return s.add(owner, "x", make([]byte, bytes), nowMS)
	}
	first, second := add(a, 4, 0), add(a, 4, 1)
	if first == nil || second == nil || first.no == second.no || len(first.no) != 30 {
		t.Fatalf("%+v %+v", first, second)
	}
	if s.get(b, []byte(first.no), 2) != nil || s.get(a, []byte(first.no), 2) != first {
		t.Error("given to another, or not to the owner")
	}
	if third := add(a, 5, 2); third == nil || s.get(a, []byte(first.no), 2) != nil || s.get(a, []byte(second.no), 2) != second {
		t.Error("not the oldest went")
	}
	s.holds(t, 2, 9)
	if add(a, 11, 3) != nil {
		t.Error("larger than an institution's share")
	}
	s.holds(t, 2, 9)
	for i := range 4 {
		if add(b, 1, int64(4+i)) == nil {
			t.Error("refused within the limits")
		}
	}
	s.holds(t, 5, 12)
	if add(c, 10, 9) == nil || add(b, 10, 10) != nil { // a's 9, c's 10, b's 10 in place of its 3
		t.Error("bytes of all")
	}
	s.holds(t, 6, 22) // what was refused has thrown nothing away
	if add(ledger.NewCode([]byte("D")), 1, 10) != nil {
		t.Error("files of all")
	}
	if add(b, 1, 11) == nil { // in place of its oldest
		t.Error("its own place")
	}
	if s.get(a, []byte(second.no), 1000) != second || s.get(a, []byte(second.no), 1001) != nil {
		t.Error("kept for another time")
	}
	s.sweep(5000)
	s.holds(t, 0, 0)
	if len(s.owners) != 0 {
		t.Errorf("%d owners of nothing", len(s.owners))
	}
}

// The named limits fit each other.
func TestFileLimits(t *testing.T) {
	l := defaultFileLimits
	if l.institutionBytes < 2*(16<<20) || l.bytes < 16*l.institutionBytes || l.files < l.institutionFiles {
		t.Errorf("%+v", l)
	}
}

func TestFileBytes(t *testing.T) {
	for text, want := range map[string]string{
		"UEsDBA==": "PK\x03\x04", "UEsDBA": "PK\x03\x04", "UEsD\r\nBA==": "PK\x03\x04", "[80,75,3,4]": "PK\x03\x04", "[ 255 , -1, -128, 0 ]": "\xff\xff\x80\x00", "[]": "", "": "",
	} {
		if got, ok := fileBytes([]byte(text)); !ok || string(got) != want {
			t.Errorf("%q: %q, %t", text, got, ok)
		}
	}
	for _, text := range []string{"[256]", "[-129]", "[1.5]", "[1,]", "[,1]", "[1", "[1]x", "[[1]]", `["1"]`, "[null]", "*", "UEs=DBA=", "UEsDB", "{}"} {
		if got, ok := fileBytes([]byte(text)); ok {
			t.Errorf("%q is %q", text, got)
		}
	}
}

func TestSplitParts(t *testing.T) {
	part := func(name, body string) string {
		return fmt.Sprintf("--X\r\nContent-Disposition: form-data; name=%q; filename=\"a.zip\"\r\n\r\n%s\r\n", name, body)
	}
	const end = "--X--\r\n"
	text, file, x := splitParts([]byte(part("other", "1")+part("file", "")+part("jsonStr", "{}")+end), "X")
	if x.bad() || string(text) != "{}" || file == nil || len(file) != 0 {
		t.Errorf("%q %q %v", text, file, x)
	}
	many := ""
	for range partsMax {
		many += part("other", "")
	}
	for body, want := range map[string]code{
		"": codeMalformed, "--X": codeMalformed, end: codeMissing, part("file", "1") + end: codeMissing, part("jsonStr", "1") + end: codeMissing,
		part("jsonStr", "{}") + part("file", "1"): codeMalformed, part("file", "1") + part("file", "1") + end: codeDuplicate, part("jsonStr", "1") + part("jsonStr", "1") + end: codeDuplicate,
		many + part("jsonStr", "{}") + part("file", "1") + end: codeTooMany,
	} {
		if _, _, x := splitParts([]byte(body), "X"); x.code != want {
			t.Errorf("%q: %q, want %q", body, x.code, want)
		}
	}
}
