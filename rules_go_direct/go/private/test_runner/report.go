package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Marks in what a program prints with -test.v=test2json (testing.go); those of errors only where marksErrors says so.
const (
	framing    = 'V' & 0x1f
	errorBegin = 'O' & 0x1f
	errorEnd   = 'N' & 0x1f
	escape     = '[' & 0x1f
)

// testCase is a test or subtest.
type testCase struct {
	name, result string
	// seconds is how long it took, as the program prints it.
	seconds string
	output  bytes.Buffer
}

// report passes on what a program prints, and notes how its tests end.
type report struct {
	importPath string
	log        io.Writer
	begun      time.Time
	// line is what was printed since the last end of a line.
	line    []byte
	escaped bool
	framed  bool
	cases   []*testCase
	byName  map[string]*testCase
	// current is the test that prints, if it is known.
	current *testCase
	// outside is what no test has printed.
	outside bytes.Buffer
	failed  error
}

func newReport(importPath string, log io.Writer) *report {
	return &report{importPath: importPath, log: log, begun: time.Now(), byName: map[string]*testCase{}}
}

// Write takes what the program prints, in pieces of any size.
func (r *report) Write(printed []byte) (int, error) {
	for _, c := range printed {
		switch {
		case r.escaped:
			r.escaped = false
			r.line = append(r.line, c)
		case c == framing:
			// Framing begins a line, even if the test has not ended its own.
			r.flush()
			r.framed = true
		case marksErrors && c == escape:
			r.escaped = true
		case marksErrors && (c == errorBegin || c == errorEnd):
		default:
			r.line = append(r.line, c)
		}
		if c == '\n' {
			r.flush()
		}
	}
	return len(printed), nil
}

// flush takes the line as far as it has come.
func (r *report) flush() {
	line, framed := r.line, r.framed
	r.line, r.framed = nil, false
	if len(line) == 0 {
		return
	}
	text := strings.TrimRight(string(line), " \n")
	// That no test prints what follows is for this program alone.
	if !framed || text != "=== NAME" {
		r.log.Write(line)
	}
	if framed {
		r.frame(text)
	} else if r.current != nil {
		r.current.output.Write(line)
	} else {
		r.outside.Write(line)
	}
}

// frame takes a line that says what becomes of a test, e.g. `=== RUN   TestA` or `--- PASS: TestA (0.01s)`.
func (r *report) frame(line string) {
	line = strings.TrimLeft(line, " ")
	word, name, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(line, "=== "), "--- "), " ")
	name = strings.TrimSpace(name)
	switch {
	case strings.HasPrefix(line, "=== ") && (word == "RUN" || word == "CONT" || word == "NAME"):
		if found := r.byName[name]; word == "RUN" && found != nil && found.result != "" {
			// A test and one in the external package may have one name, and -test.count runs all again.
			delete(r.byName, name)
		}
		r.current = r.test(name)
	case strings.HasPrefix(line, "--- "):
		name, seconds, _ := strings.Cut(name, " (")
		test := r.test(name)
		test.result, test.seconds = strings.TrimSuffix(word, ":"), strings.TrimSuffix(seconds, "s)")
		r.current = nil
	default:
		r.current = nil
	}
}

// test is the one of this name, or none if the name is empty.
func (r *report) test(name string) *testCase {
	if found := r.byName[name]; found != nil || name == "" {
		return found
	}
	test := &testCase{name: name}
	r.byName[name], r.cases = test, append(r.cases, test)
	return test
}

// finish notes how the program ended.
func (r *report) finish(err error) {
	r.flush()
	r.failed = err
}

// writeTo writes the results in the format of JUnit.
func (r *report) writeTo(name string) error {
	var cases bytes.Buffer
	failures, errors, skipped := 0, 0, 0
	for _, test := range r.cases {
		fmt.Fprintf(&cases, "\t\t<testcase classname=%s name=%s time=%s>", quote(r.importPath), quote(test.name), quote(test.seconds))
		switch test.result {
		case "PASS":
		case "SKIP":
			skipped++
			fmt.Fprintf(&cases, "<skipped message=%s></skipped>", quote(test.output.String()))
		case "FAIL":
			failures++
			fmt.Fprintf(&cases, "<failure message=\"Failed\">%s</failure>", text(test.output.String()))
		default:
			errors++
			fmt.Fprintf(&cases, "<error message=\"It did not end\">%s</error>", text(test.output.String()))
		}
		cases.WriteString("</testcase>\n")
	}
	if r.failed != nil && failures+errors == 0 {
		errors++
		fmt.Fprintf(&cases, "\t\t<testcase classname=%s name=\"\" time=\"\">", quote(r.importPath))
		fmt.Fprintf(&cases, "<error message=%s>%s</error></testcase>\n", quote(r.failed.Error()), text(r.outside.String()))
	}
	var file bytes.Buffer
	fmt.Fprintf(&file, "%s<testsuites>\n\t<testsuite name=%s tests=\"%d\"", xml.Header, quote(r.importPath), len(r.cases))
	fmt.Fprintf(&file, " failures=\"%d\" errors=\"%d\" skipped=\"%d\"", failures, errors, skipped)
	fmt.Fprintf(&file, " time=\"%.3f\">\n%s\t</testsuite>\n</testsuites>\n", time.Since(r.begun).Seconds(), &cases)
	return os.WriteFile(name, file.Bytes(), 0o666)
}

// text escapes what stands between tags; what XML can't say is replaced.
func text(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

func quote(s string) string {
	return `"` + text(s) + `"`
}
