module example.com/vendored

go 1.25.0

toolchain go1.27.3

require example.com/shout v1.1.0

replace example.com/shout => ./shout
