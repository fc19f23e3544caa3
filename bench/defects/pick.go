package defects

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Variable asks for a run of TestDefects: "all", a number of defects in rotation, or names with commas between them.
const Variable = "GONGJI_DEFECTS"

// pick chooses defects. A rotation begins where the commit's hash says, so it is the same for a commit and goes round over many.
func pick(asked, commit string) ([]Defect, error) {
	if asked == "all" {
		return Table, nil
	}
	if n, err := strconv.Atoi(asked); err == nil {
		return rotation(n, commit)
	}
	var out []Defect
	for _, name := range strings.Split(asked, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), TagPrefix)
		i := slices.IndexFunc(Table, func(d Defect) bool { return d.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no defect %q", name)
		}
		out = append(out, Table[i])
	}
	return out, nil
}

// rotationBytes of a commit's hash choose where a rotation begins: more than enough for a table of 24.
const rotationBytes = 4

func rotation(n int, commit string) ([]Defect, error) {
	head, err := hex.DecodeString(commit[:min(len(commit), 2*rotationBytes)])
	if err != nil || len(head) != rotationBytes || n < 1 || n > len(Table) {
		return nil, fmt.Errorf("%d defects by commit %q", n, commit)
	}
	at := 0
	for _, b := range head {
		at = (at<<8 | int(b)) % len(Table)
	}
	return append(slices.Clone(Table[at:]), Table[:at]...)[:n], nil
}
