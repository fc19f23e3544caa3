// Package engine is the assembled engine: Open, Submit, Ask, Close, and the one page that wires log, executor and state together.
package engine
