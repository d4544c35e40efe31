// Package both is tested from inside and outside.
package both

import _ "embed"

//go:embed data/a.txt
var text string

// Text is embedded.
func Text() string { return text }
