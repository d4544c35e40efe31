package both_test

import (
	_ "embed"
	"os"
	"testing"

	"example.com/tests/between"
	"example.com/tests/both"
)

//go:embed data/0.txt
var zero string

func TestMain(m *testing.M) {
	if zero != "0" {
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func TestTwice(t *testing.T) {
	if both.Twice() != between.Text()+both.Text() {
		t.Error(both.Twice())
	}
}
