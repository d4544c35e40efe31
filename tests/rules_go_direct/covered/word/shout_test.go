package word_test

import (
	"testing"

	"example.com/covered/shout"
	"example.com/covered/word"
)

// The package between must see the variable that Set changes; it is compiled again, with counters.
func TestShout(t *testing.T) {
	defer word.Set(word.Word())
	word.Set("other")
	if got := shout.Shout(); got != "OTHER!" {
		t.Errorf("got %q", got)
	}
}
