package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// cwd names the directory of the action wherever that is, as long as a program does not change its own.
const cwd = "/proc/self/cwd"

// job is what the rules say of a package. Paths are relative to the directory of the action.
type job struct {
	ImportPath string
	Std        bool
	Minor      int
	// Directory is the package's, Roots what compilers record for directories, of which the last one that fits counts.
	Directory string
	Roots     [][2]string
	// Go are the Go files of the package: those that import "C", and others if Plain is a directory, which they are copied to.
	Go    []string
	Plain string
	// Sources are all files for C compilers.
	Sources []string
	Syso    []string
	Tags    []string

	// Of attributes: CPPFlags and so on come after those of `#cgo` lines.
	CPPFlags, CFlags, CXXFlags, LDFlags []string

	Cgo, CC, CXX, Known string
	// Target are flags of the toolchain that say what it compiles for, Arch those that Go has for the processor.
	Target, Arch []string
	// Sanitizer is race, msan, asan or nothing.
	Sanitizer string

	// Header is written, empty unless the package is main, for a library for C.
	Header string

	// What the steps write: directories but for Types, Flags and Members.
	Made, Rewritten, Types, Flags, Imported, Members string
}

// flags is what the first step finds out for the others.
type flags struct {
	// Name is the package's, Stems are the names of the Go files that import "C", without extension.
	Name           string
	Stems          []string
	CPP, C, CXX    []string
	LD             []string
	PrefersExtLink bool
}

func readJob(name string) (*job, error) {
	var j job
	return &j, readJSON(name, &j)
}

func readBoth(name string) (*job, *flags, error) {
	j, err := readJob(name)
	if err != nil {
		return nil, nil, err
	}
	var f flags
	return j, &f, readJSON(j.Flags, &f)
}

func readJSON(name string, value any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

func writeJSON(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o666)
}

// here is the directory of the action by its true name, for programs that run in another one.
func here() string {
	directory, err := filepath.Abs(".")
	if err != nil {
		panic(err)
	}
	return directory
}

// truly gives flags with the true name of the action's directory.
func truly(flags []string) []string {
	out := make([]string, 0, len(flags))
	for _, flag := range flags {
		out = append(out, strings.ReplaceAll(flag, cwd, here()))
	}
	return out
}

// program is the path of a program that can be run from anywhere.
func program(path string) string {
	if filepath.IsAbs(path) || !strings.Contains(path, "/") {
		return path
	}
	return filepath.Join(here(), path)
}

// isCXX tells whether a file is C++.
func isCXX(name string) bool {
	switch filepath.Ext(name) {
	case ".cc", ".cpp", ".cxx":
		return true
	}
	return false
}

func (j *job) hasCXX() bool {
	for _, source := range j.Sources {
		if isCXX(source) {
			return true
		}
	}
	return false
}
