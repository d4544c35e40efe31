package word

import (
	"testing"
	"unicode/utf8"
)

func FuzzShort(f *testing.F) {
	f.Add("a word")
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) && !utf8.ValidString(Short(text)) {
			t.Errorf("%q", text)
		}
	})
}
