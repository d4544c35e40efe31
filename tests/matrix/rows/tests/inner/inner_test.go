package inner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestDouble(t *testing.T) {
	id := uuid.Nil.String()
	if got := Double(id); !strings.HasPrefix(got, id) {
		t.Errorf("got %q", got)
	}
}

func BenchmarkDouble(b *testing.B) {
	for i := 0; i < b.N; i++ {
		Double("x")
	}
}

func FuzzDouble(f *testing.F) {
	f.Add("a")
	f.Fuzz(func(t *testing.T, text string) {
		if len(Double(text)) != 2*len(text) {
			t.Error(text)
		}
	})
}

func ExampleDouble() {
	fmt.Println(Double("a{b}"))
	// Output: a{b}a{b}
}
