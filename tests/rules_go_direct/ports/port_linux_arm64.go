package main

import (
	_ "embed"
	"strings"

	"golang.org/x/sys/cpu"
)

//go:embed arm64.txt
var text string

func port() string {
	if cpu.ARM64.HasSVE2 {
		return "arm64 with SVE2"
	}
	return strings.TrimSpace(text)
}
