package internal

import "testing"

func TestDouble(t *testing.T) {
	if Double(2) != 4 {
		t.Error("no")
	}
}

func TestSkipped(t *testing.T) { t.Skip("not now") }
