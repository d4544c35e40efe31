// Package greet knows how to greet.
package greet

// Hello greets somebody.
func Hello(who string) string {
	return "Hello, " + who + "!"
}
