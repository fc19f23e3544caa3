package api

import _ "embed"

// OpenAPI is the hand-written description of the /v1 calls (OpenAPI 3.1), served on the admin listener. Not to be changed.
//
//go:embed openapi.yaml
var OpenAPI []byte
