// Package rules tells which rule of the founding documents is enforced or recorded where, and which tests show it.
package rules
