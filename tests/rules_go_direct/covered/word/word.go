// Package word has a word.
package word

import _ "embed"

//go:embed word.txt
var text string

var word = text[:len(text)-1]

// Word gives it.
func Word() string { return word }

// Count says how often the word has a letter.
func Count(letter rune) int {
	count := 0
	for _, l := range Word() {
		if l == letter {
			count++
		} else if l == '?' {
			panic("a question")
		}
	}
	return count
}
