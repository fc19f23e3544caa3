// Package ids turns internal numbers into the external ids that people read and type, and checks
// Chinese identity numbers.
//
// An external id is a kind letter, 13 Crockford base32 digits and one check symbol: 15 characters,
// within the national C(30) of setl_id. Everything here is a pure function and allocates nothing.
package ids
