// Package shout is loud.
package shout

import (
	"strings"

	"example.com/tested/word"
)

// Shout shouts the word.
func Shout() string { return strings.ToUpper(word.Word()) + "!" }
