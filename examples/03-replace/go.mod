module example.com/replace

go 1.25.0

toolchain go1.27.3

require example.com/greeting v1.4.0

require github.com/cespare/xxhash/v2 v2.3.0 // indirect

replace example.com/greeting => ./greeting
