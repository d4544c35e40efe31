package mixed_test

import (
	"testing"

	"example.com/tests/between"
	"example.com/tests/mixed"
)

func TestHidden(t *testing.T) {
	mixed.Set(20)
	if got := between.Twice(); got != 40 {
		t.Errorf("got %d", got)
	}
}
