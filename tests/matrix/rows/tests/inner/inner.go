// Package inner has tests in itself.
package inner

import "strings"

// Double is hidden from nobody.
func Double(text string) string { return strings.Repeat(text, 2) }
