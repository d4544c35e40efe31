package word

import "testing"

func TestWord(t *testing.T) {
	if Word() != "word" {
		t.Errorf("got %q", Word())
	}
}
