// Package policy reads regional profiles: strict files of the knobs of domain-rules.md 14 and decisions.md, and what of them the ledger needs.
package policy
