package lib

import (
	"os"
	"testing"
)

func TestGreet(t *testing.T) {
	want, err := os.ReadFile("testdata/greeting.txt")
	if err != nil {
		t.Fatal(err)
	}
	words, err := os.ReadFile("../shared/words.txt")
	if err != nil || len(words) == 0 {
		t.Fatal(err)
	}
	if got := Greet(" you "); got != string(want) {
		t.Fatal(got)
	}
}
