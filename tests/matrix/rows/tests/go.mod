module example.com/tests

go 1.24

require (
	github.com/google/uuid v1.6.0
	github.com/spf13/pflag v1.0.6
)
