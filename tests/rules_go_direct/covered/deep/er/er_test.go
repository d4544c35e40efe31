package er_test

import (
	"testing"

	"example.com/covered/deep/er"
)

// With Bazel it runs in the directory of another package, with Go in its own.
func TestExists(t *testing.T) {
	if !er.Exists("er.go") {
		t.Error("er.go isn't there")
	}
}

func BenchmarkExists(b *testing.B) {
	for range b.N {
		er.Exists("missing")
	}
}
