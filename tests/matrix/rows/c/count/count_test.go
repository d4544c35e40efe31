package count

import "testing"

// Twice is for tests outside.
func Twice(s string) int { return 2 * Length(s) }

func TestLength(t *testing.T) {
	// It counts, too.
	if got := Length("four"); got < 4 {
		t.Errorf("got %d", got)
	}
}
