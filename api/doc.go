// Package api is the HTTP front door: it bounds, checks, routes, answers, counts and stops requests, and knows no business call.
//
// Calls are Routes given to New by packages above it (api/rest, api/nhsa). Only api and cmd know
// fasthttp. See DESIGN.md.
package api
