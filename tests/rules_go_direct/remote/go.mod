module example.com/remote

go 1.27

toolchain go1.27.3

require github.com/cespare/xxhash/v2 v2.3.0
