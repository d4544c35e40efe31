package both

import (
	"embed"
	"testing"
)

//go:embed data
var data embed.FS

// Twice is for tests outside.
func Twice() string { return text + text }

func TestText(t *testing.T) {
	if all, err := data.ReadFile("data/a.txt"); err != nil || string(all) != Text() {
		t.Error(string(all), err)
	}
}
