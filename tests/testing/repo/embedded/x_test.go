package embedded_test

import (
	"embed"
	"testing"
)

//go:embed data
var data embed.FS

func TestAll(t *testing.T) {
	content, err := data.ReadFile("data/c.txt")
	if err != nil || string(content) != "c" {
		t.Errorf("got %q, %v", content, err)
	}
}
