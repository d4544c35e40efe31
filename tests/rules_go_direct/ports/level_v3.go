//go:build amd64.v3

package main

import "example.com/ports/fast"

func level() string { return fast.Level(7) }
