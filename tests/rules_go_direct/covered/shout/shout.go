// Package shout is loud.
package shout

import (
	"strings"

	"example.com/covered/word"
)

// Shout shouts the word.
func Shout() string {
	if word.Count('!') > 0 {
		return word.Word()
	}
	return strings.ToUpper(word.Word()) + "!"
}
