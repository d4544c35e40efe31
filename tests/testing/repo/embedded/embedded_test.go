package embedded

import (
	_ "embed"
	"testing"
)

//go:embed data/b.txt
var b string

func TestEmbedded(t *testing.T) {
	if A+b != "ab" {
		t.Errorf("got %q", A+b)
	}
}
