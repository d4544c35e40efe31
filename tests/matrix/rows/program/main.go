// A command line with assembly, embedded files, tags, stamps and GODEBUG settings.
package main

import (
	"embed"
	"fmt"
	"os"

	"example.com/program/asm"
	"github.com/spf13/cobra"
)

//go:debug panicnil=1

//go:embed assets
var assets embed.FS

var (
	Version = "dev"
	Commit  string
)

func main() {
	root := &cobra.Command{Use: "program", Version: Version + " " + Commit}
	root.AddCommand(&cobra.Command{Use: "add", Run: func(*cobra.Command, []string) {
		fmt.Println(asm.Add(1, 2), edition)
	}})
	root.AddCommand(&cobra.Command{Use: "cat", RunE: func(*cobra.Command, []string) error {
		text, err := assets.ReadFile("assets/hello.txt")
		fmt.Print(string(text))
		return err
	}})
	if err := root.Execute(); err != nil {
		os.Exit(1)
	}
}
