// Test_runner runs a test program in the directory in which `go test` would run it, and translates between Bazel and the program: filters,
// shards, the end of the time that a test may take, and the file with the results of single tests.
//
// It is a program of its own, so that the test program has the bytes of `go test -c`. It lies beside the program, under the test's
// name, with a file of the same name and the extension `.run`, which has lines with a word and a value:
//
//	program FILE        the test program's name
//	directory PATH      where to run it, relative to the root of the runfiles
//	package PATH        import path of the package
//	source PATH         the package's directory in the main repository, where that is its own
//	test NAME           a test, example or fuzz test; in the program's order
//	coverage FORMAT     the program counts statements; `lcov`, or `go_cover` for a profile of Go
//
// With counters there is also a file with the extension `.counted`: lines with the name of a file in profiles, a tab and the file's path.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// setup is what the file beside the runner says.
type setup struct {
	program, directory, importPath, coverage string
	tests                                    []string
	source                                   *string
}

// afterExit is how long output is waited for that processes give which the program leaves behind.
const afterExit = 10 * time.Second

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		code = 1
	}
	os.Exit(code)
}

func run() (int, error) {
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		return 0, err
	}
	setup, err := readSetup(strings.TrimSuffix(self, ".exe") + ".run")
	if err != nil {
		return 0, err
	}
	program := filepath.Join(filepath.Dir(self), setup.program)
	root, err := runfiles(self)
	if err != nil {
		return 0, err
	}
	// Else it would mean something else in another directory.
	for _, name := range []string{"RUNFILES_DIR", "TEST_SRCDIR"} {
		os.Setenv(name, root)
	}
	counters, err := newCoverage(setup, strings.TrimSuffix(self, ".exe"))
	if err != nil {
		return 0, err
	}
	directory := filepath.Join(root, setup.directory)
	if err := os.Chdir(directory); err != nil {
		return 0, err
	}
	os.Setenv("PWD", directory)
	forFuzzing, err := fuzzFlags(os.Args[1:], setup.importPath)
	if err != nil {
		return 0, err
	}
	arguments, err := arguments(setup.tests, os.Args[1:], append(counters.flags(), forFuzzing...))
	if err != nil {
		return 0, err
	}
	results := os.Getenv("XML_OUTPUT_FILE")
	found := watchCorpus(setup)
	switch {
	case results != "":
		code, err := record(program, arguments, setup.importPath, results)
		return code, errors.Join(err, counters.collect(), found.collect())
	case fuzzes(arguments):
		code, err := fuzz(program, arguments)
		return code, errors.Join(err, found.collect())
	}
	return replace(program, arguments)
}

// record runs the program and writes the results of its tests to a file.
func record(program string, arguments []string, importPath, results string) (int, error) {
	report := newReport(importPath, os.Stdout)
	command := exec.Command(program, append([]string{"-test.v=test2json"}, arguments...)...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, report, report
	command.WaitDelay = afterExit
	if err := start(command); err != nil {
		return 0, err
	}
	err := command.Wait()
	report.finish(err)
	if err := report.writeTo(results); err != nil {
		return 0, err
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1), nil
	case err != nil:
		return 0, err
	}
	return 0, nil
}

func readSetup(name string) (setup, error) {
	var s setup
	content, err := os.ReadFile(name)
	if err != nil {
		return s, err
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		word, value, _ := strings.Cut(line, " ")
		switch word {
		case "program":
			s.program = value
		case "directory":
			s.directory = filepath.FromSlash(value)
		case "coverage":
			s.coverage = value
		case "package":
			s.importPath = value
		case "source":
			value = filepath.FromSlash(value)
			s.source = &value
		case "test":
			s.tests = append(s.tests, value)
		}
	}
	return s, nil
}

// runfiles is the root of the tree of files that the test has declared.
func runfiles(self string) (string, error) {
	candidates := []string{os.Getenv("RUNFILES_DIR"), os.Getenv("TEST_SRCDIR"), self + ".runfiles"}
	if before, _, ok := strings.Cut(self, ".runfiles"+string(filepath.Separator)); ok {
		candidates = append(candidates, before+".runfiles")
	}
	for _, candidate := range candidates {
		if info, err := os.Stat(candidate); candidate != "" && err == nil && info.IsDir() {
			return filepath.Abs(candidate)
		}
	}
	return "", errors.New("there are no runfiles: run it with `bazel test` or `bazel run`")
}
