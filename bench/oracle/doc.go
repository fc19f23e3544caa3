// Package oracle turns the model's commands into the log's bytes and compares what the model and the engine made of them.
package oracle
