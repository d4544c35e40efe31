// Package lib finds its file.
package lib

import (
	"os"
	"strings"

	"github.com/bazelbuild/rules_go/go/runfiles"
)

// Version is stamped.
var Version = "none"

// Text is the content of the file.
func Text() (string, error) {
	name, err := runfiles.Rlocation("migrated/lib/text.txt")
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(name)
	return strings.TrimSpace(string(content)), err
}
