// Package hash needs a third-party package.
package hash

import "github.com/cespare/xxhash/v2"

// Of is the hash of a text.
func Of(text string) uint64 {
	digest := xxhash.New()
	digest.WriteString(text)
	return digest.Sum64()
}
