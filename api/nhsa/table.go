package nhsa

import "strings"

// kind of a field, by the letters of the national tables (nhsa-interface.md 1.9), refined where the table's C says too little.
type kind uint8

const (
	kindText   kind = iota // C: text without control characters
	kindFree               // C that nothing is made of: any text
	kindToken              // C that is a key: visible ASCII
	kindDigits             // C or N that is a number's text: digits, no leading zero
	kindNumber             // N
	kindDate               // D
	kindTime               // DT; a date alone is taken too
	kindAny                // exp_content: text, or the object that should have been put into it as text
	kindRaw                // the envelope's input
	kindNode               // a node inside
)

// need says what happens without a field.
type need uint8

const (
	may    need = iota
	should      // the table wants it, nothing here depends on it: taken without
	must
)

// field is a line of a national table.
type field struct {
	name   string
	text   string // 中文名
	kind   kind
	need   need
	length int    // characters; digits of a number
	scale  int    // decimals of a number
	dict   *dict  // nil: any value
	alias  string // another spelling in the sources
	minus  bool   // a number that may be negative
	node   *node  // kindNode
}

// node is a table: the input, a node of it, or a row of a list.
type node struct {
	name   string
	text   string
	fields []field
	max    int // rows; 0: one object
	byName map[string]uint8
}

// fieldsMax is what the mask of names seen can hold.
const fieldsMax = 64

func newNode(name, text string, max int, fields ...field) *node {
	n := &node{name: name, text: text, max: max, fields: fields, byName: map[string]uint8{}}
	for i := range fields {
		for _, s := range []string{fields[i].name, fields[i].alias} {
			if _, twice := n.byName[s]; twice || len(fields) > fieldsMax {
				panic("BUG: field " + s + " of node " + name)
			}
			if s != "" {
				n.byName[s] = uint8(i)
			}
		}
	}
	return n
}

// at is the place of a field, for package variables: asking for one that is not there is a bug.
func (n *node) at(name string) int {
	i, ok := n.byName[name]
	if !ok {
		panic("BUG: node " + n.name + " has no field " + name)
	}
	return int(i)
}

// maybe is at for a field that not every table of its kind has: -1 if this one does not.
func (n *node) maybe(name string) int {
	if i, ok := n.byName[name]; ok {
		return int(i)
	}
	return -1
}

// The makers of fields, by the columns of the tables: name, length, need, 中文名.

func text(name string, length int, need need, zh string) field {
	return field{name: name, length: length, need: need, text: zh}
}

func free(name string, length int, zh string) field {
	return field{name: name, kind: kindFree, length: length, text: zh}
}

func token(name string, length int, need need, zh string) field {
	return field{name: name, kind: kindToken, length: length, need: need, text: zh}
}

func coded(name string, length int, d *dict, need need, zh string) field {
	return field{name: name, kind: kindToken, length: length, dict: d, need: need, text: zh}
}

func number(name string, digits, scale int, need need, zh string) field {
	return field{name: name, kind: kindNumber, length: digits, scale: scale, need: need, text: zh}
}

func amount(name string, need need, zh string) field { return number(name, 16, fen, need, zh) }

// signedAmount is an amount that a sum with refunds in it may have.
func signedAmount(name string, need need, zh string) field {
	f := amount(name, need, zh)
	f.minus = true
	return f
}

func day(name string, need need, zh string) field {
	return field{name: name, kind: kindDate, length: len("2006-01-02"), need: need, text: zh}
}

func moment(name string, need need, zh string) field {
	return field{name: name, kind: kindTime, length: len("2006-01-02 15:04:05"), need: need, text: zh}
}

func extension() field {
	return field{name: "exp_content", kind: kindAny, length: 4000, text: "字段扩展"}
}

func inside(n *node, need need) field {
	return field{name: n.name, kind: kindNode, node: n, need: need, text: n.text}
}

// transaction is one infno: its tables, its addresses and what it does.
type transaction struct {
	infno  string
	text   string
	input  *node   // its fields are the nodes of input
	output []*node // the nodes of output, for the README and the test that compares every answer with them
	paths  []string
	// anytime: no sign-in is asked for (R30)
	anytime bool
	handle  func(f *face, m *message) fault
}

// inputOf makes the node input of the nodes in it.
func inputOf(nodes ...field) *node { return newNode("", "交易输入", 0, nodes...) }

// addresses of the regions that have one path per service (nhsa-interface.md 1.1), spelt as there.
const (
	pathCall        = "/fsi/api/rsfComIfsService/callService"
	pathByNumber    = "/hsa/hgs/{infno}"
	pathPerson      = "/fsi/api/fsiPsnInfoService/queryPsnInfo"
	pathSignIn      = "/fsi/api/signInSignOutService/signIn"
	pathSignOut     = "/fsi/api/signInSignOutService/signOut"
	pathPreSettle   = "/fsi/api/outpatientSettleService/preSettletment"
	pathSettle      = "/fsi/api/outpatientSettleService/saveSettletment"
	pathSettleV2    = "/fsi/api/outpatientSettleService/saveSettletmentV2"
	pathCancel      = "/fsi/api/outpatientSettleService/cancleSettletment"
	pathReverse     = "/fsi/api/reverseService/revsMethod"
	pathStmtTotal   = "/fsi/api/ybSettlementStmtService/stmtTotal"
	pathStmtDetail  = "/fsi/api/ybSettlementStmtService/stmtDetail"
	pathUpload      = "/fsi/api/fileupload/upload"
	pathDownload    = "/fsi/api/fileupload/download"
	servicePathHead = "/fsi/api/"
)

// routeName is a label for metrics and logs made of a path's last segment.
func routeName(path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	var b []byte
	for i := range len(last) {
		c := last[i]
		if c >= 'A' && c <= 'Z' {
			b = append(b, '_')
			c |= 0x20
		}
		b = append(b, c)
	}
	return "nhsa_" + string(b)
}
