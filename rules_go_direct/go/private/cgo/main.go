// Cgo does for packages with C code what the go command does around the tools: it reads `#cgo` lines, runs cgo, C compilers and the link
// that tells where symbols come from.
//
//	cgo probe OUT CC CXX [FLAG]...
//	cgo prepare JOB
//	cgo compile JOB SOURCE OBJECT
//	cgo finish JOB OBJECT...
//
// JOB is a file that the rules write. The steps of a package are actions of their own, so that an edit repeats only some.
// They follow runCgo, processCgoOutputs and dynimport in cmd/go/internal/work/exec.go.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) >= 4 && args[0] == "probe":
		return probe(args[1], args[2], args[3], args[4:])
	case len(args) == 2 && args[0] == "prepare":
		j, err := readJob(args[1])
		if err != nil {
			return err
		}
		return j.prepare()
	case len(args) == 4 && args[0] == "compile":
		j, f, err := readBoth(args[1])
		if err != nil {
			return err
		}
		return j.compileOwn(f, args[2], args[3])
	case len(args) >= 2 && args[0] == "finish":
		j, f, err := readBoth(args[1])
		if err != nil {
			return err
		}
		return j.finish(f, args[2:])
	}
	return errors.New("usage: cgo probe|prepare|compile|finish ...")
}
