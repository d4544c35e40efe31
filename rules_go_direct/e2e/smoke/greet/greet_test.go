package greet

import "testing"

func TestWord(t *testing.T) {
	if got := Word("you"); got != "hello you" {
		t.Error(got)
	}
}
