package c

import "testing"

func TestTwice(t *testing.T) {
	if !Plain() {
		t.Error("1 * 2 is not 2")
	}
}
