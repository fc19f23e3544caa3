package sign

// Kind is why a message is refused.
type Kind uint8

// The kinds. The first four are those of the Hunan gateway's 401 answers.
const (
	Missing   Kind = iota + 1 // a header or field that the scheme needs is not there
	Expired                   // its time is outside the window
	Unknown                   // nobody of this name is in the key table
	Differs                   // the signature is not that of this message (or its body cannot be decrypted)
	Malformed                 // a header or field is not of the form that the scheme wants
	Replayed                  // the same signed headers came before
	Busy                      // the memory of nonces is full: not this message's fault, later it may pass
)

var kindTexts = [...]string{Missing: "missing", Expired: "outside the time window", Unknown: "unknown caller", Differs: "signature differs",
	Malformed: "malformed", Replayed: "seen before", Busy: "too many messages"}

func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindTexts) {
		return "?"
	}
	return kindTexts[k]
}

// Refusal is the error of Open and Verify. Name is the header or field it is about, a constant of the scheme, or "". It holds nothing of
// the message and no secret; refusals compare with ==.
type Refusal struct {
	Kind Kind
	Name string
}

func (r Refusal) Error() string {
	if r.Name == "" {
		return "sign: " + r.Kind.String()
	}
	return "sign: " + r.Name + ": " + r.Kind.String()
}
