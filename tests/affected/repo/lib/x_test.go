package lib_test

import (
	"testing"

	"example.com/m/lib"
)

func TestLength(t *testing.T) {
	if len(lib.Greet("you")) != 11 {
		t.Fail()
	}
}
