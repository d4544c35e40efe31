// Package sum is compiled with assembly, a dependency and a file in a directory.
package sum

import "internal/byteorder"

func add(a, b uint32) uint32

// Bytes adds two numbers.
func Bytes(a, b []byte) uint32 { return add(byteorder.LEUint32(a), byteorder.LEUint32(b)) }
