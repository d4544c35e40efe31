//go:build amd64

// Package fast is for processors that can do more. It imports nothing.
package fast

func add(a, b uint64) uint64

// Level names the level.
func Level(n uint64) string { return "v" + string(rune('0'+add(n, 4)%8)) }
