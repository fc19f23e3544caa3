package sign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pelletier/go-toml/v2"
)

// ErrKeys says that a key file is missing, readable by others, or wrong. Its text names lines, rows and fields, never a value or a path.
var ErrKeys = errors.New("sign: key file")

// Roles of a key file: whose it is.
const (
	RolePlatform    = "platform"
	RoleInstitution = "institution"
)

// Limits. nameMax and apiMax are the gateway's header lengths (HN: 100), codeMax is CQ's 30 for fixmedins_code (HN says 12), the others are ours:
// callersMax is more than a province has institutions (the whole country has about 800,000), fileMax is that many rows of 600 bytes,
// secretMin keeps a guess beyond reach.
const (
	formatVersion = 1
	fileMax       = 64 << 20 // bytes
	callersMax    = 100_000
	codesMax      = 10_000 // institutions of one caller
	nameMax       = 100
	apiMax        = 100
	codeMax       = 30
	secretMin     = 16
	secretMax     = 128
	faultsMax     = 100 // told at once
)

// Keys are the contents of a key file. They do not change after Load.
type Keys struct {
	hidden
	scheme, role        string
	apiName, apiVersion string // gateway, institution: what its client sends
	appField            string // portal: name of the field that names the caller
	omitEmpty           bool   // sm2-envelope: empty fields are not signed
	der                 bool   // sm2-envelope: a signature is DER, not r and s
	cbc                 bool   // portal: SM4-CBC behind its random IV, not ECB
	own                 signer // the platform's key, with its own file
	platform            verifier
	callers             []*Caller
	byName              map[string]*Caller
	byCode              map[string]*Caller
}

// Scheme is the scheme that the keys are for.
func (k *Keys) Scheme() string { return k.scheme }

// Callers is their number.
func (k *Keys) Callers() int { return len(k.callers) }

// Caller is a row of the key table: who signs, and the institutions he may speak for. It lives as long as the Keys.
type Caller struct {
	hidden
	name   string
	codes  map[string]struct{}
	any    bool
	secret []byte
	public verifier
	own    signer // with the institution's file
	sm4    block
}

var anybody = Caller{name: SchemeNone, any: true}

// Name is the caller's name in the key file, at most 100 bytes of visible ASCII: access key, paasid or application. It is no secret, but
// not for answers either.
func (c *Caller) Name() string { return c.name }

// MayUse tells whether the caller may speak for an institution (fixmedins_code).
func (c *Caller) MayUse(code []byte) bool {
	_, ok := c.codes[string(code)]
	return ok || c.any
}

// Load reads a key file (format: DESIGN.md). Only its owner may have rights to it.
func Load(path string) (*Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, withoutPath(err))
	}
	defer f.Close() // only read: nothing to lose
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKeys, withoutPath(err))
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: mode %o gives others rights; want 400", ErrKeys, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, withoutPath(err))
	}
	return parseKeys(text)
}

// withoutPath keeps the cause of a file error and drops the path.
func withoutPath(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Op, p.Err)
	}
	return err
}

// fileText and rowText are the file as TOML has it.
type fileText struct {
	Format      int       `toml:"gongji_keys"`
	Scheme      string    `toml:"scheme"`
	Role        string    `toml:"role"`
	APIName     string    `toml:"api_name"`
	APIVersion  string    `toml:"api_version"`
	AppField    string    `toml:"app_field"`
	EmptyFields string    `toml:"empty_fields"`
	Signature   string    `toml:"signature"`
	SM4Mode     string    `toml:"sm4_mode"`
	SM2Private  string    `toml:"sm2_private"`
	SM2Public   string    `toml:"sm2_public"`
	Callers     []rowText `toml:"caller"`
}

type rowText struct {
	Name       string   `toml:"name"`
	Codes      []string `toml:"fixmedins_codes"`
	Secret     string   `toml:"secret"`
	SM2Private string   `toml:"sm2_private"`
	SM2Public  string   `toml:"sm2_public"`
	SM4Key     string   `toml:"sm4_key"`
}

func parseKeys(text []byte) (*Keys, error) {
	if len(text) > fileMax {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrKeys, fileMax)
	}
	var file fileText
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrKeys, place(err))
	}
	if file.Format != formatVersion {
		return nil, fmt.Errorf("%w: gongji_keys is %d", ErrKeys, formatVersion)
	}
	return build(&file)
}

// place tells where a file is no TOML of ours. The library's own text quotes the line, which may hold a key.
func place(err error) string {
	if s := (*toml.StrictMissingError)(nil); errors.As(err, &s) && len(s.Errors) > 0 {
		line, _ := s.Errors[0].Position()
		return fmt.Sprintf("line %d: a field that there is not, or not there", line)
	}
	if d := (*toml.DecodeError)(nil); errors.As(err, &d) {
		line, column := d.Position()
		return fmt.Sprintf("line %d, column %d: not as it should be written", line, column)
	}
	return "cannot be read"
}
