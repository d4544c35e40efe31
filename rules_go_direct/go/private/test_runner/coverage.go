package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// coverage is what `bazel coverage` wants of a program that counts its statements.
type coverage struct {
	// counted is the file that says which file a name in a profile stands for.
	counted string
	// profile is where the program writes what it has counted.
	profile string
	// directory is where Bazel collects lcov files; empty if it takes the profile itself.
	directory string
}

// newCoverage is nil if nothing is counted, or nobody wants it. It must come before the directory is changed.
func newCoverage(s setup, self string) (*coverage, error) {
	directory, output := os.Getenv("COVERAGE_DIR"), os.Getenv("COVERAGE_OUTPUT_FILE")
	if s.coverage == "" || directory == "" || output == "" {
		return nil, nil
	}
	directory, err := filepath.Abs(directory)
	if err != nil {
		return nil, err
	}
	output, err = filepath.Abs(output)
	if err != nil {
		return nil, err
	}
	if s.coverage == "go_cover" {
		return &coverage{profile: output}, nil
	}
	// A test may run others, which have a profile of their own.
	profile, err := os.CreateTemp(directory, "go_*.profile")
	if err != nil {
		return nil, err
	}
	return &coverage{self + ".counted", profile.Name(), directory}, profile.Close()
}

// flags are those of the program.
func (c *coverage) flags() []string {
	if c == nil {
		return nil
	}
	return []string{"-test.coverprofile=" + c.profile}
}

// collect makes of the profile what Bazel collects. A program that ended early has written none.
func (c *coverage) collect() error {
	if c == nil || c.directory == "" {
		return nil
	}
	profile, err := os.ReadFile(c.profile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	names, err := os.ReadFile(c.counted)
	if err != nil {
		return err
	}
	report, err := lcov(profile, names)
	if err != nil {
		return fmt.Errorf("the profile of counted statements: %w", err)
	}
	if len(report) > 0 {
		if err := os.WriteFile(strings.TrimSuffix(c.profile, ".profile")+".dat", report, 0o666); err != nil {
			return err
		}
	}
	return os.Remove(c.profile)
}

// lcov translates a profile of Go (`FILE:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT`): a line ran as often as the one of its blocks that ran most.
// Names has lines with the name of a file in profiles, a tab and its path.
func lcov(profile, names []byte) ([]byte, error) {
	paths := map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(string(names), "\n"), "\n") {
		name, path, _ := strings.Cut(line, "\t")
		paths[name] = path
	}
	counts := map[string]map[int]uint64{}
	lines := bufio.NewScanner(bytes.NewReader(profile))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "mode: ") {
			continue
		}
		name, first, last, count, err := block(lines.Text())
		if err != nil {
			return nil, err
		}
		path, ok := paths[name]
		if !ok {
			return nil, fmt.Errorf("%s is no file of a package that counts its statements", name)
		}
		if counts[path] == nil {
			counts[path] = map[int]uint64{}
		}
		for line := first; line <= last; line++ {
			counts[path][line] = max(counts[path][line], count)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "SF:%s\n", path)
		ran := 0
		for _, line := range slices.Sorted(maps.Keys(counts[path])) {
			count := counts[path][line]
			fmt.Fprintf(&b, "DA:%d,%d\n", line, count)
			if count > 0 {
				ran++
			}
		}
		fmt.Fprintf(&b, "LH:%d\nLF:%d\nend_of_record\n", ran, len(counts[path]))
	}
	return b.Bytes(), nil
}

// block is a line of a profile: the file's name, the first and the last line, and how often it ran.
func block(text string) (name string, first, last int, count uint64, err error) {
	bad := fmt.Errorf("line %q is not FILE:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT", text)
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return "", 0, 0, 0, bad
	}
	fields := strings.Fields(text[colon+1:])
	if len(fields) != 3 {
		return "", 0, 0, 0, bad
	}
	from, to, _ := strings.Cut(fields[0], ",")
	from, _, _ = strings.Cut(from, ".")
	to, _, _ = strings.Cut(to, ".")
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	count, err3 := strconv.ParseUint(fields[2], 10, 64)
	if errors.Join(err1, err2, err3) != nil {
		return "", 0, 0, 0, bad
	}
	return text[:colon], first, last, count, nil
}
