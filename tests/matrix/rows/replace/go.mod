module example.com/replace

go 1.24

require (
	example.com/lib v0.1.0
	github.com/pkg/errors v0.8.0
)

replace (
	example.com/lib => ./lib
	github.com/pkg/errors => github.com/pkg/errors v0.9.1
)
