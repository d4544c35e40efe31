//go:build amd64

package asm

// Add adds.
func Add(a, b int64) int64
