package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// corpus is where a fuzz test's inputs are, relative to the package's directory; what fails is written there, too (`corpusDir` in
// package testing).
const corpus = "testdata/fuzz"

// fuzzes says whether the program is to look for new inputs.
func fuzzes(arguments []string) bool {
	return valueOf(arguments, "fuzz") != ""
}

// fuzzFlags are what the go command adds where a program looks for new inputs: where those are kept that reach more code. Under `bazel run`
// that lasts, under `bazel test` nothing does.
func fuzzFlags(given []string, importPath string) ([]string, error) {
	if !fuzzes(given) || valueOf(given, "fuzzcachedir") != "" {
		return nil, nil
	}
	cache := os.Getenv("TEST_TMPDIR")
	if os.Getenv("BUILD_WORKSPACE_DIRECTORY") != "" || cache == "" {
		var err error
		if cache, err = os.UserCacheDir(); err != nil {
			return nil, fmt.Errorf("no place for what fuzzing finds; name one with -test.fuzzcachedir=DIRECTORY: %w", err)
		}
		cache = filepath.Join(cache, "rules_go_direct")
	}
	return []string{"-test.fuzzcachedir=" + filepath.Join(cache, "fuzz", filepath.FromSlash(importPath))}, nil
}

// findings are the inputs that were in the corpus before the program ran, and where new ones are to be kept.
type findings struct {
	known map[string]bool
	keep  string
}

// watchCorpus remembers what is there. What fails belongs beside the tests: under `bazel run` in the source tree, under `bazel test` among the
// outputs, from where a person can copy it.
func watchCorpus(s setup) *findings {
	f := &findings{known: map[string]bool{}}
	workspace, outputs := os.Getenv("BUILD_WORKSPACE_DIRECTORY"), os.Getenv("TEST_UNDECLARED_OUTPUTS_DIR")
	switch {
	case workspace != "" && s.source != nil:
		f.keep = filepath.Join(workspace, *s.source)
	case outputs != "":
		f.keep = outputs
	}
	for _, name := range inputs() {
		f.known[name] = true
	}
	return f
}

// inputs are the files of the corpus, relative to the current directory.
func inputs() []string {
	var names []string
	filepath.WalkDir(corpus, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, name)
		}
		return nil
	})
	return names
}

// collect copies what the program has added to the corpus.
func (f *findings) collect() error {
	for _, name := range inputs() {
		if f.known[name] || f.keep == "" {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		kept := filepath.Join(f.keep, name)
		if err := os.MkdirAll(filepath.Dir(kept), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(kept, content, 0o666); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "The input that fails is now %s\n", kept)
	}
	return nil
}

// fuzz runs a program that looks for inputs for a person, who ends it by Ctrl-C; the program gets that signal, too, and says what it found.
func fuzz(program string, arguments []string) (int, error) {
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	command := exec.Command(program, arguments...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	return 0, err
}
