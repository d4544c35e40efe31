// Package greeting says hello.
package greeting

import (
	_ "embed"
	"fmt"
	"strings"

	"example.com/greeting/internal/digest"
)

//go:embed hello.txt
var hello string

// For greets name and adds the greeting's digest.
func For(name string) string {
	text := strings.TrimSpace(hello) + " " + name
	return fmt.Sprintf("%s (%s)", text, digest.Of(text))
}
