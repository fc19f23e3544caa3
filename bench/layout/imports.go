package layout

import (
	"fmt"
	"path"
	"strings"
)

// A unit is a package of design.md 9 and, when open, everything below it. Imports go from a higher level to a lower one;
// inside a unit they are free (the compiler refuses cycles).
type unit struct {
	dir   string
	level int
	open  bool
}

// units: deeper folders first, so that the first match is the right one. bench is outside the levels: it may import anything.
var units = []unit{
	{"cmd", 6, true},
	{"api", 5, true},
	{"engine/sequencer", 3, true},
	{"engine/executor", 3, true},
	{"engine/state", 3, true},
	{"engine/journal", 3, true},
	{"engine/reconcile", 3, true},
	{"engine/command", 2, true},
	{"engine/policy", 2, true},
	{"shard", 2, true},
	{"wal/pebblelog", 2, true},
	{"wal/archive", 2, true}, // not in design.md 9: what a log may forget, whatever log it is
	{"wal/memlog", 2, true},
	{"wal/raftlog", 2, true},
	{"engine/ledger", 1, true},
	{"engine", 4, false},
	{"wal", 1, false},
	{"bench", 7, true},
}

func unitOf(dir string) (unit, bool) {
	for _, u := range units {
		if dir == u.dir || u.open && strings.HasPrefix(dir, u.dir+"/") {
			return u, true
		}
	}
	return unit{}, false
}

// testSupport tells whether a folder is a suite that several packages' tests share: named like its parent with "test" behind
// it, as wal/waltest. It may import what tests may; only tests, bench and other suites may import it.
func testSupport(dir string) bool {
	parent := path.Dir(dir)
	_, known := unitOf(parent)
	return known && path.Base(dir) == path.Base(parent)+"test"
}

// ledgerStd is what engine/ledger may import: packages without clock, randomness, I/O, goroutines, locks or map order
// (which is why maps is not here). Another pure package may be added.
var ledgerStd = map[string]bool{
	"bytes": true, "cmp": true, "errors": true, "fmt": true, "hash": true, "iter": true, "math": true, "math/bits": true, "slices": true,
	"sort": true, "strconv": true, "strings": true, "unicode": true, "unicode/utf8": true, "unsafe": true,
	"crypto/aes": true, "crypto/cipher": true, "crypto/hmac": true, "crypto/sha256": true, "crypto/subtle": true,
	"encoding/binary": true, "encoding/hex": true, "hash/crc32": true,
}

// Imports checks the import edges of design.md 9. Test files may import anything, but each package must be one that the
// design names.
func Imports(t *Tree) []Finding {
	var out []Finding
	seen := map[string]bool{}
	for _, f := range t.Files {
		from, known := unitOf(f.Dir)
		support := testSupport(f.Dir)
		if !known && !support && !seen[f.Dir] {
			seen[f.Dir] = true
			out = append(out, Finding{f.Dir, "is no package of design.md 9: it has no level"})
		}
		if f.Test || !known || support {
			continue
		}
		for _, spec := range f.AST.Imports {
			name := importPath(spec)
			what := ""
			if dir, ok := t.local(name); ok {
				what = localEdge(f.Dir, from, dir)
			} else {
				what = outsideEdge(f.Dir, from, name)
			}
			if what != "" {
				out = append(out, Finding{t.at(spec), what})
			}
		}
	}
	return out
}

func localEdge(dir string, from unit, target string) string {
	to, known := unitOf(target)
	switch {
	case testSupport(target) && from.dir != "bench":
		return fmt.Sprintf("%s imports %s: only tests may", dir, target)
	case testSupport(target):
		return ""
	case !known:
		return fmt.Sprintf("imports %s, which is no package of design.md 9", target)
	case from == to:
		return ""
	case to.dir == "bench" && from.dir != "cmd":
		return fmt.Sprintf("%s imports %s: only tests and cmd may", dir, target)
	case under(dir, "wal") && !under(target, "wal"):
		return fmt.Sprintf("%s imports %s: the log knows nothing of what it carries", dir, target)
	case to.dir != "bench" && to.level >= from.level:
		return fmt.Sprintf("%s (level %d) imports %s (level %d): imports point down", dir, from.level, target, to.level)
	}
	return ""
}

func outsideEdge(dir string, from unit, name string) string {
	switch {
	case from.dir == "engine/ledger" && !ledgerStd[name]:
		return fmt.Sprintf("%s imports %s: the rules use the pure part of the standard library only", dir, name)
	case under(name, "github.com/cockroachdb/pebble") && !under(dir, "wal/pebblelog", "wal/raftlog", "engine/state", "engine/journal") &&
		!(name == "github.com/cockroachdb/pebble/v2/vfs" && under(dir, "wal/archive")): // its file system, which tests can crash, is no store
		return fmt.Sprintf("%s imports %s: Pebble only in wal/pebblelog, wal/raftlog, engine/state, engine/journal", dir, name)
	case under(name, "github.com/valyala/fasthttp", "github.com/fasthttp") && !under(dir, "api", "cmd"):
		return fmt.Sprintf("%s imports %s: only api and cmd know fasthttp", dir, name)
	}
	return ""
}
