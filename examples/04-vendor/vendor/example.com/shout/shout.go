// Package shout is loud. It is here to be copied to vendor by `go mod vendor`, as a module from elsewhere would be.
package shout

import (
	_ "embed"
	"strings"
)

//go:embed marks.txt
var marks string

// Text is s as people shout it.
func Text(s string) string {
	return strings.ToUpper(s) + strings.TrimSpace(marks)
}
