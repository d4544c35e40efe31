// Highlight prints a file with colours.
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/chroma/v2/quick"

	"example.com/modules/internal/banner"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, banner.Banner("highlight"))
		fmt.Fprintln(os.Stderr, "usage: highlight FILE")
		os.Exit(2)
	}
	source, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = quick.Highlight(os.Stdout, string(source), "go", "terminal256", "github")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "highlight:", err)
		os.Exit(1)
	}
}
