//go:build !amd64.v3

package main

import (
	"strconv"

	"github.com/cespare/xxhash/v2"

	"example.com/ports/plain"
)

func level() string { return plain.Level + strconv.FormatUint(xxhash.Sum64String(plain.Level), 16) }
