module example.com/tests

go 1.25

toolchain go1.27.3

godebug panicnil=1
