// Package word has a word.
package word

var word = "word"

// Word gives it.
func Word() string { return word }
