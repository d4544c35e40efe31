package external_test

import (
	"os"
	"testing"

	"example.com/tests/external"
)

func TestShout(t *testing.T) {
	content, err := os.ReadFile("testdata/word.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := external.Shout(string(content)); got != "WORD!" {
		t.Errorf("got %q", got)
	}
}
