// Package greet has a word in a file.
package greet

import _ "embed"

//go:embed word.txt
var word string

// Word greets somebody.
func Word(name string) string { return word[:len(word)-1] + " " + name }
