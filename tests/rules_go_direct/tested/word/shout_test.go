package word_test

import (
	"fmt"
	"os"
	"testing"

	"example.com/tested/shout"
	"example.com/tested/word"
)

// The package between must see the variable that Set changes.
func TestShout(t *testing.T) {
	defer word.Set(word.Word())
	word.Set("other")
	if got := shout.Shout(); got != "OTHER!" {
		t.Errorf("got %q", got)
	}
}

func TestFile(t *testing.T) {
	content, err := os.ReadFile("testdata/word.txt")
	if err != nil || string(content) != "word\n" {
		t.Errorf("got %q, %v", content, err)
	}
}

func ExampleWord() {
	fmt.Println(word.Word())
	// Output: word
}
