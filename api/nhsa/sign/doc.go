// Package sign verifies the requests of designated institutions and signs the answers, by the scheme of their region.
//
// It knows no HTTP server, no clock and no ledger: the caller gives headers, body and time, limits the size of bodies, and judges what the
// body says. Nothing here prints or returns a key; refusals carry constants only.
package sign
