package peers

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// setupFiles make the peer's schema and functions, in this order; the others are scripts of pgbench and the check.
var setupFiles = []string{"schema", "settle", "settle_many", "world"}

// statements gives an embedded SQL file with the world's constants in the place of {{names}}.
func statements(name string) (string, error) {
	text, err := fs.ReadFile(sqlFiles, path.Join("sql", name+".sql"))
	if err != nil {
		return "", err
	}
	s := sqlConstants.Replace(string(text))
	if i := strings.Index(s, "{{"); i >= 0 {
		return "", fmt.Errorf("sql/%s.sql: unknown constant %.20q", name, s[i:])
	}
	return s, nil
}

var sqlConstants = strings.NewReplacer(
	"{{bill_min}}", strconv.Itoa(billMin), "{{bill_max}}", strconv.Itoa(billMax), "{{bill_spread}}", strconv.Itoa(billMax-billMin+1),
	"{{thin_min}}", strconv.Itoa(thinMin), "{{thin_spread}}", strconv.Itoa(thinSpread), "{{rich_fen}}", strconv.Itoa(creditRichFen),
	"{{thin_stride}}", strconv.Itoa(thinStride), "{{rich_stride}}", strconv.Itoa(richStride), "{{institutions}}", strconv.Itoa(institutions))
