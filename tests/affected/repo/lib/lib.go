// Package lib greets.
package lib

import "strings"

// Greet greets somebody.
func Greet(name string) string {
	// A comment in a function.
	return "Hello, " + strings.TrimSpace(name) + "!"
}
