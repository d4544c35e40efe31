// Checksum prints the xxHash of standard input.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"

	"example.com/modules/internal/banner"
)

func main() {
	digest := xxhash.New()
	size, err := io.Copy(digest, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "checksum:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, banner.Banner("checksum"))
	fmt.Printf("%016x  %d bytes\n", digest.Sum64(), size)
}
