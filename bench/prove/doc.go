// Command prove runs the tests of reliability.md at proof size and writes one summary: what ran, what it held, what a green run proves.
package main
