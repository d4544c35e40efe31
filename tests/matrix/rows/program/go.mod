module example.com/program

go 1.24

godebug (
	default=go1.21
	http2client=0
)

require github.com/spf13/cobra v1.9.1

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/spf13/pflag v1.0.6 // indirect
)
