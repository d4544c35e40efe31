// Part of package load of cmd/go while the oracle is compiled: what the go command finds in a test file.

package load

import (
	"errors"
	"go/scanner"
	"os"
)

// TestFile is what a file has for the program that runs its tests.
type TestFile struct {
	// Syntax is set for files that the parser refuses; nothing else is known of them.
	Syntax                         bool
	Error                          string
	Tests, Benchmarks, FuzzTargets []string
	Examples                       [][3]any
	Main                           bool
}

// ScanTestFile reads the test functions of a file through the one with this name, as the go command does.
func ScanTestFile(name string, content []byte) (found TestFile) {
	if err := os.WriteFile(name, content, 0o666); err != nil {
		panic(err)
	}
	var funcs testFuncs
	var ignored bool
	err := funcs.load(name, "_test", &ignored, &ignored)
	if list := (scanner.ErrorList)(nil); errors.As(err, &list) {
		return TestFile{Syntax: true}
	}
	if err != nil {
		return TestFile{Error: err.Error()}
	}
	names := func(list []testFunc) (names []string) {
		for _, f := range list {
			names = append(names, f.Name)
		}
		return names
	}
	found.Tests, found.Benchmarks, found.FuzzTargets = names(funcs.Tests), names(funcs.Benchmarks), names(funcs.FuzzTargets)
	for _, f := range funcs.Examples {
		found.Examples = append(found.Examples, [3]any{f.Name, f.Output, f.Unordered})
	}
	found.Main = funcs.TestMain != nil
	return found
}
