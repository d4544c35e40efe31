//go:build amd64 || arm64

package asm

// Add returns a + b.
//
//go:noescape
func Add(a, b int64) int64
