// Package word shortens.
package word

import "strings"

// Short is the first word; it is wrong about inputs that only fuzzing finds, by
// way of others: each further letter is seen as code that no input before has
// reached, and neither seeds nor what the fuzzer likes to try has such letters.
func Short(text string) string {
	if len(text) > 3 && early(text[0]) && late(text[1]) && early(text[2]) && late(text[3]) {
		return "\xff"
	}
	first, _, _ := strings.Cut(text, " ")
	return first
}

func early(letter byte) bool { return 'D' <= letter && letter <= 'L' }

func late(letter byte) bool { return 'M' <= letter && letter <= 'W' }
