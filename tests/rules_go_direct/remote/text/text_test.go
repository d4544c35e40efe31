package text_test

import (
	"os"
	"strings"
	"testing"

	"example.com/remote/text"
)

func TestRead(t *testing.T) {
	expected, err := os.ReadFile("testdata/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(expected)) {
		language, want, _ := strings.Cut(strings.TrimSpace(line), " ")
		if got := text.Read(language); got != want {
			t.Errorf("%s: got %q, want %q", language, got, want)
		}
	}
}
