package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// cover says which statements a program counts, and how.
type cover struct {
	mode     string
	packages []string
}

// countedPackages are the import paths of the packages with counters, in order.
func countedPackages(name string) ([]string, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var packages []string
	for _, line := range strings.Split(strings.TrimSuffix(string(content), "\n"), "\n") {
		file, _, _ := strings.Cut(line, "\t")
		packages = append(packages, path.Dir(file))
	}
	slices.Sort(packages)
	return slices.Compact(packages), nil
}

// source is the part of the program that tells package testing about counters, for `testing.CoverMode` and -test.coverprofile.
func (c *cover) source(b *bytes.Buffer) {
	if c == nil {
		return
	}
	fmt.Fprintf(b, "\n\ttestdeps.CoverMode = %q\n", c.mode)
	b.WriteString("\ttestdeps.Covered = \"\"\n\ttestdeps.CoverSelectedPackages = []string{")
	for i, name := range c.packages {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%q", name)
	}
	b.WriteString("}\n\ttestdeps.CoverSnapshotFunc = cfile.Snapshot\n")
	b.WriteString("\ttestdeps.CoverProcessTestDirFunc = cfile.ProcessCoverTestDir\n")
	b.WriteString("\ttestdeps.CoverMarkProfileEmittedFunc = cfile.MarkProfileEmitted\n\n")
}
