package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// arguments are those of the test program: what Bazel wants, in the program's own flags, and those that were given; wanted come last of the flags.
func arguments(tests, given, wanted []string) ([]string, error) {
	flags, others := flagsFirst(given)
	filter := os.Getenv("TESTBRIDGE_TEST_ONLY")
	if filter != "" {
		flags = append([]string{"-test.run=" + filter}, flags...)
	}
	if os.Getenv("TESTBRIDGE_TEST_RUNNER_FAIL_FAST") == "1" {
		flags = append(flags, "-test.failfast")
	}
	mine, skipped, err := shard(tests)
	if err != nil {
		return nil, err
	}
	if len(skipped) > 0 {
		run, skip := valueOf(flags, "run"), valueOf(flags, "skip")
		switch {
		case run == "" && skip == "":
			flags = append(flags, "-test.run="+anyOf(mine))
		case skip != "":
			flags = append(flags, "-test.skip="+skip+"|"+anyOf(skipped))
		default:
			flags = append(flags, "-test.skip="+anyOf(skipped))
		}
	}
	return slices.Concat(flags, wanted, others), nil
}

// flagsFirst sorts arguments into flags of package testing and others, behind which the program would not look for flags.
func flagsFirst(given []string) (flags, others []string) {
	for _, argument := range given {
		name, _, hasValue := strings.Cut(argument, "=")
		if hasValue && strings.HasPrefix(name, "-") && strings.HasPrefix(strings.TrimLeft(name, "-"), "test.") {
			flags = append(flags, argument)
		} else {
			others = append(others, argument)
		}
	}
	return flags, others
}

// shard sorts tests into those of this shard and the others; without sharding there are no others.
func shard(tests []string) (mine, others []string, err error) {
	if os.Getenv("TEST_TOTAL_SHARDS") == "" {
		return tests, nil, nil
	}
	total, err := strconv.Atoi(os.Getenv("TEST_TOTAL_SHARDS"))
	if err != nil {
		return nil, nil, fmt.Errorf("TEST_TOTAL_SHARDS: %w", err)
	}
	index, err := strconv.Atoi(os.Getenv("TEST_SHARD_INDEX"))
	if err != nil {
		return nil, nil, fmt.Errorf("TEST_SHARD_INDEX: %w", err)
	}
	for i, test := range tests {
		if i%total == index {
			mine = append(mine, test)
		} else {
			others = append(others, test)
		}
	}
	// Tells Bazel that shards don't run all tests.
	if status := os.Getenv("TEST_SHARD_STATUS_FILE"); status != "" {
		err = os.WriteFile(status, nil, 0o666)
	}
	return mine, others, err
}

// anyOf is a pattern for exactly these names, which are Go's and have no special characters.
func anyOf(names []string) string {
	if len(names) == 0 {
		return "^$"
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// valueOf is the last value of a flag of package testing.
func valueOf(flags []string, name string) string {
	value := ""
	for _, flag := range flags {
		if given, ok := strings.CutPrefix(strings.TrimLeft(flag, "-"), "test."+name+"="); ok {
			value = given
		}
	}
	return value
}
