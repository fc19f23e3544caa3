package api

import _ "embed"

// OpenAPI is the description of the /v1 calls (OpenAPI 3.1), served on both listeners: made of the hand-written openapi.yaml by
// `go test ./api -run TestOpenAPI -openapi`. Not to be changed.
//
//go:embed openapi.json
var OpenAPI []byte
