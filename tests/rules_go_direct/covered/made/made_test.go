package made

import "testing"

func TestSum(t *testing.T) {
	if got := Sum(4); got != 12 {
		t.Errorf("got %d", got)
	}
}
