package api

// Code is the stable name of a problem: clients may switch on it. A code is never renamed or reused.
type Code string

// All codes of the front door. Codes of the ledger's outcomes are added by the faces above.
const (
	// What package strictjson and money find in a body (400).
	CodeMalformed      Code = "malformed"
	CodeUnknownField   Code = "unknown_field"
	CodeDuplicateField Code = "duplicate_field"
	CodeMissingField   Code = "missing_field"
	CodeWrongType      Code = "wrong_type"
	CodeTooLong        Code = "too_long"
	CodeBadUTF8        Code = "bad_utf8"
	CodeTooDeep        Code = "too_deep"
	CodeTooMany        Code = "too_many"
	CodeTrailingData   Code = "trailing_data"
	CodeNull           Code = "null"
	CodeBadValue       Code = "bad_value"
	CodeAmountBad      Code = "amount_malformed"
	CodeAmountNegative Code = "amount_negative"
	CodeAmountDecimals Code = "amount_decimals"
	CodeAmountTooLarge Code = "amount_too_large"

	// The wire.
	CodeBadRequest      Code = "bad_request"   // not a request line and headers as RFC 9112 has them
	CodeBadHeader       Code = "bad_header"    // folded, bare line feed, space in a name, repeated single header
	CodeBadVersion      Code = "bad_version"   // not exactly HTTP/1.1
	CodeBadTarget       Code = "bad_target"    // request target not in origin form ("/path?query")
	CodeBodyCutOff      Code = "body_cut_off"  // fewer bytes than Content-Length says
	CodeUpgradeRefused  Code = "upgrade"       // Upgrade is not spoken here
	CodeTimeout         Code = "timeout"       // the request did not arrive in time
	CodeLengthRequired  Code = "length_needed" // any Transfer-Encoding: bodies need a Content-Length
	CodeBodyTooLarge    Code = "body_too_large"
	CodeURLTooLong      Code = "url_too_long"
	CodeMediaType       Code = "media_type"
	CodeContentEncoding Code = "content_encoding"
	CodeExpect          Code = "expect"
	CodeWrongHost       Code = "wrong_host" // Host is not one of ours: a page in a browser that was lied to about our name
	CodeHeaderTooLarge  Code = "header_too_large"

	// The call.
	CodeUnauthenticated Code = "unauthenticated"
	CodeNotFound        Code = "not_found" // also for what the caller may not see
	CodeMethod          Code = "method_not_allowed"
	CodeIDReused        Code = "id_reused"
	CodeRefused         Code = "refused" // decided by the ledger, with outcome
	CodeRateLimited     Code = "rate_limited"
	CodeInternal        Code = "internal"
	CodeStopping        Code = "stopping"
	CodeOverloaded      Code = "overloaded"      // the sequencer's queue is full
	CodeUnavailable     Code = "unavailable"     // storage stalled or failed, or no leader
	CodeOutcomeUnknown  Code = "outcome_unknown" // repeat with the same id, or reverse (R9)
)

type codeInfo struct {
	status int
	title  string
}

// codes gives each code its status and title. A code missing here is a bug that TestCodes finds.
var codes = map[Code]codeInfo{
	CodeMalformed:      {400, "The body is not valid JSON"},
	CodeUnknownField:   {400, "The body has a field that this call does not know"},
	CodeDuplicateField: {400, "A field is given twice"},
	CodeMissingField:   {400, "A field is missing"},
	CodeWrongType:      {400, "A field has the wrong JSON type"},
	CodeTooLong:        {400, "A field is too long"},
	CodeBadUTF8:        {400, "A text is not valid UTF-8 or has control characters"},
	CodeTooDeep:        {400, "The body is nested too deeply"},
	CodeTooMany:        {400, "A list has too many elements"},
	CodeTrailingData:   {400, "There is data after the end of the body's value"},
	CodeNull:           {400, "A field is null"},
	CodeBadValue:       {400, "A field has a value that it may not have"},
	CodeAmountBad:      {400, "An amount is not written as yuan with at most two decimals"},
	CodeAmountNegative: {400, "An amount is negative"},
	CodeAmountDecimals: {400, "An amount has more than two decimals"},
	CodeAmountTooLarge: {400, "An amount is too large"},

	CodeBadRequest:      {400, "Not an HTTP request"},
	CodeBadHeader:       {400, "A header is not well-formed"},
	CodeBadVersion:      {400, "Only HTTP/1.1 is spoken here"},
	CodeBadTarget:       {400, "The request target is not a path"},
	CodeBodyCutOff:      {400, "The body is shorter than announced"},
	CodeUpgradeRefused:  {400, "Upgrade is not supported"},
	CodeTimeout:         {408, "The request did not arrive in time"},
	CodeLengthRequired:  {411, "Transfer-Encoding is not accepted, send Content-Length"},
	CodeBodyTooLarge:    {413, "The body is too large for this call"},
	CodeURLTooLong:      {414, "The request target is too long"},
	CodeMediaType:       {415, "The Content-Type does not fit this call"},
	CodeContentEncoding: {415, "Content-Encoding is not accepted"},
	CodeExpect:          {417, "Expect is not supported"},
	CodeWrongHost:       {421, "Host is not a name of this server"},
	CodeHeaderTooLarge:  {431, "The header is too large"},

	CodeUnauthenticated: {401, "The caller is not authenticated"},
	CodeNotFound:        {404, "Not found"},
	CodeMethod:          {405, "The path exists, but not with this method"},
	CodeIDReused:        {409, "The id was used with other content; take a new one"},
	CodeRefused:         {422, "Refused by the ledger"},
	CodeRateLimited:     {429, "Too many requests"},
	CodeInternal:        {500, "Internal error"},
	CodeStopping:        {503, "The server is shutting down"},
	CodeOverloaded:      {503, "The server is busy"},
	CodeUnavailable:     {503, "The server cannot take this call now"},
	CodeOutcomeUnknown:  {504, "The outcome is not known: repeat with the same id, or reverse"},
}
