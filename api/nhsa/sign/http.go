package sign

import "net/textproto"

// HTTP makes Headers of net/http's: HTTP(request.Header). A header given twice counts as missing.
type HTTP map[string][]string

// Peek gives the value.
func (h HTTP) Peek(name string) []byte {
	v := h[textproto.CanonicalMIMEHeaderKey(name)]
	if len(v) != 1 {
		return nil
	}
	return []byte(v[0])
}
