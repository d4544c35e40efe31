package kinds

import (
	"fmt"
	"testing"
)

func BenchmarkHalf(b *testing.B) {
	for b.Loop() {
		Half(4)
	}
}

func FuzzHalf(f *testing.F) {
	f.Add(2)
	f.Fuzz(func(t *testing.T, n int) {
		if half, err := Half(n); err == nil && 2*half != n {
			t.Error(n)
		}
	})
}

func TestHalf(t *testing.T) {
	for _, n := range []int{2, 4} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			// One only: the order in which several go on is not the same in two runs.
			if n == 2 {
				t.Parallel()
			}
			if _, err := Half(n); err != nil {
				t.Error(err)
			}
		})
	}
}
