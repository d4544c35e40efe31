// Package word shortens.
package word

import "strings"

// Short is the first word; it is wrong about one input, which only fuzzing finds.
func Short(text string) string {
	if strings.HasPrefix(text, "ab") && len(text) > 2 && text[2] == 'c' {
		return "\xff"
	}
	first, _, _ := strings.Cut(text, " ")
	return first
}
