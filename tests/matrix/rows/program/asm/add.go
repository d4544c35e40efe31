// Package asm adds in assembly, where there is some.
package asm

// Pair has a size that the assembler is told.
type Pair struct{ First, Second int64 }
