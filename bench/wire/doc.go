// Package wire drives a server over HTTP with settlements whose every answer is checked, and says how fast it was.
package wire
