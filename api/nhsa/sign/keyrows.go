package sign

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// needs says which fields a file of a scheme and role has; it has all of these and no others.
var needs = map[[2]string]struct{ head, row []string }{
	{SchemeGateway, RolePlatform}:     {nil, []string{"secret"}},
	{SchemeGateway, RoleInstitution}:  {[]string{"api_name", "api_version"}, []string{"secret"}},
	{SchemeXTIF, RolePlatform}:        {nil, []string{"secret"}},
	{SchemeXTIF, RoleInstitution}:     {nil, []string{"secret"}},
	{SchemeEnvelope, RolePlatform}:    {[]string{"empty_fields", "signature", "sm2_private"}, []string{"sm2_public"}},
	{SchemeEnvelope, RoleInstitution}: {[]string{"empty_fields", "signature", "sm2_public"}, []string{"sm2_private"}},
	{SchemePortal, RolePlatform}:      {[]string{"app_field", "sm4_mode", "sm2_private"}, []string{"secret", "sm2_public", "sm4_key"}},
	{SchemePortal, RoleInstitution}:   {[]string{"app_field", "sm4_mode", "sm2_public"}, []string{"secret", "sm2_private", "sm4_key"}},
}

// builder gathers what is wrong with a file.
type builder struct {
	keys   *Keys
	faults []string
}

func (b *builder) fail(where, field, text string) {
	if len(b.faults) < faultsMax {
		b.faults = append(b.faults, strings.TrimPrefix(where+field+": "+text, ": "))
	}
}

func build(file *fileText) (*Keys, error) {
	need, ok := needs[[2]string{file.Scheme, file.Role}]
	if !ok {
		return nil, fmt.Errorf("%w: scheme is gateway, xtif, sm2-envelope or portal, role is platform or institution", ErrKeys)
	}
	k := &Keys{scheme: file.Scheme, role: file.Role, byName: map[string]*Caller{}, byCode: map[string]*Caller{}}
	b := &builder{keys: k}
	b.head(file, need.head)
	switch n := len(file.Callers); {
	case n == 0 || n > callersMax:
		b.fail("", "caller", fmt.Sprintf("1 to %d rows, not %d", callersMax, n))
	case n > 1 && file.Role == RoleInstitution:
		b.fail("", "caller", "an institution's file has one row")
	default:
		for i := range file.Callers {
			b.row(i+1, &file.Callers[i], need.row)
		}
	}
	if len(b.faults) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrKeys, strings.Join(b.faults, "; "))
	}
	return k, nil
}

// presence checks that a field is there exactly if it is needed, and tells whether it is to be read.
func (b *builder) presence(where, field string, there bool, need []string) bool {
	needed := slices.Contains(need, field)
	switch {
	case needed && !there:
		b.fail(where, field, "missing")
	case !needed && there:
		b.fail(where, field, "does not belong into a file of this scheme and role")
	}
	return needed && there
}

func (b *builder) head(file *fileText, need []string) {
	k := b.keys
	text := func(field, value string, to *string) {
		if b.presence("", field, value != "", need) {
			if *to = value; !visible(value, 1, apiMax) {
				b.fail("", field, fmt.Sprintf("1 to %d visible ASCII characters without &", apiMax))
			}
		}
	}
	choice := func(field, value, yes, no string) bool {
		if b.presence("", field, value != "", need) && value != yes && value != no {
			b.fail("", field, "is "+yes+" or "+no)
		}
		return value == yes
	}
	text("api_name", file.APIName, &k.apiName)
	text("api_version", file.APIVersion, &k.apiVersion)
	choice("app_field", file.AppField, portalAppCode, portalAppID)
	k.appField = file.AppField
	k.omitEmpty = choice("empty_fields", file.EmptyFields, "left_out", "signed")
	k.der = choice("signature", file.Signature, "der", "raw")
	k.cbc = choice("sm4_mode", file.SM4Mode, "cbc", "ecb")
	if b.presence("", "sm2_private", file.SM2Private != "", need) {
		b.private("", file.SM2Private, &k.own)
	}
	if b.presence("", "sm2_public", file.SM2Public != "", need) {
		b.public("", file.SM2Public, &k.platform)
	}
}

func (b *builder) row(number int, row *rowText, need []string) {
	where := fmt.Sprintf("caller %d: ", number)
	c := &Caller{name: row.Name, codes: map[string]struct{}{}}
	if !visible(row.Name, 1, nameMax) {
		b.fail(where, "name", fmt.Sprintf("1 to %d visible ASCII characters without &", nameMax))
	} else if b.keys.byName[c.name] != nil {
		b.fail(where, "name", "another row has it")
	}
	b.keys.byName[c.name] = c
	b.codes(where, c, row.Codes)
	if b.presence(where, "secret", row.Secret != "", need) {
		if c.secret = []byte(row.Secret); !visible(row.Secret, secretMin, secretMax) {
			b.fail(where, "secret", fmt.Sprintf("%d to %d visible ASCII characters without &", secretMin, secretMax))
		}
	}
	if b.presence(where, "sm2_private", row.SM2Private != "", need) {
		b.private(where, row.SM2Private, &c.own)
	}
	if b.presence(where, "sm2_public", row.SM2Public != "", need) {
		b.public(where, row.SM2Public, &c.public)
	}
	if b.presence(where, "sm4_key", row.SM4Key != "", need) {
		if raw, err := hex.DecodeString(row.SM4Key); err != nil || !c.sm4.set(raw) {
			b.fail(where, "sm4_key", "32 hexadecimal digits")
		}
	}
	b.keys.callers = append(b.keys.callers, c)
}

// codes reads the institutions of a caller. Where the institution's code names the key, it may be in one row only.
func (b *builder) codes(where string, c *Caller, codes []string) {
	if n := len(codes); n == 0 || n > codesMax {
		b.fail(where, "fixmedins_codes", fmt.Sprintf("1 to %d, not %d", codesMax, n))
		return
	}
	for _, code := range codes {
		if !visible(code, 1, codeMax) {
			b.fail(where, "fixmedins_codes", fmt.Sprintf("1 to %d visible ASCII characters without &", codeMax))
		}
		if b.keys.scheme == SchemeEnvelope && b.keys.byCode[code] != nil {
			b.fail(where, "fixmedins_codes", "one of them is there already")
		}
		c.codes[code] = struct{}{}
		b.keys.byCode[code] = c
	}
}

func (b *builder) private(where, text string, to *signer) {
	if raw, err := hex.DecodeString(text); err != nil || !to.set(raw) {
		b.fail(where, "sm2_private", "is no private key of SM2 (64 hexadecimal digits)")
	}
}

func (b *builder) public(where, text string, to *verifier) {
	if raw, err := hex.DecodeString(text); err != nil || !to.set(raw) {
		b.fail(where, "sm2_public", "is no public key of SM2 (04 and 128 hexadecimal digits)")
	}
}

// visible tells whether a text has min to max visible ASCII characters, none of them '&'.
func visible(s string, min, max int) bool {
	if len(s) < min || len(s) > max {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '&' {
			return false
		}
	}
	return true
}
