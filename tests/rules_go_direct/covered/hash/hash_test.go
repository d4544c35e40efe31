package hash

import "testing"

func TestOf(t *testing.T) {
	if Of("one") == Of("another") {
		t.Error("two texts have one hash")
	}
}
