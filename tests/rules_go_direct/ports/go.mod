module example.com/ports

go 1.27

toolchain go1.27.3

require (
	github.com/cespare/xxhash/v2 v2.3.0
	golang.org/x/sys v0.42.0
)
