// Package banner prints an embedded greeting.
package banner

import (
	_ "embed"
	"strings"

	"github.com/fatih/color"
)

//go:embed banner.txt
var text string

// Banner is the greeting for a program, in bold where the terminal can.
func Banner(program string) string {
	return color.New(color.Bold).Sprint(strings.ReplaceAll(strings.TrimSpace(text), "PROGRAM", program))
}
