package word_test

import (
	"testing"

	"example.com/modes/word"
)

func TestShort(t *testing.T) {
	if word.Short("a b") != "a" {
		t.Fatal(word.Short("a b"))
	}
}
