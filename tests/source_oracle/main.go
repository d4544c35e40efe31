// Command oracle prints what the go command makes of the cases on its standard input, a line of JSON for each.
//
// A case is a letter, a length in four bytes (little-endian), and so many bytes.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"go/build/constraint"
	"go/parser"
	"go/scanner"
	"go/token"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"cmd/go/internal/load"
	"cmd/go/internal/modindex"
)

// satisfied are some choices of tags, which need no list of all tags.
var satisfied []func(tag string) bool

func init() {
	for bit := range 8 {
		satisfied = append(satisfied, func(tag string) bool { return crc32.ChecksumIEEE([]byte(tag))>>bit&1 == 1 })
	}
}

func evaluate(x constraint.Expr) (values []bool) {
	for _, f := range satisfied {
		values = append(values, x.Eval(f))
	}
	return values
}

type line struct {
	GoBuild, PlusBuild bool
	Error, Text        string
	Values             []bool
}

func parseLine(text string) line {
	found := line{GoBuild: constraint.IsGoBuild(text), PlusBuild: constraint.IsPlusBuild(text)}
	x, err := constraint.Parse(text)
	if err != nil {
		found.Error = err.Error()
		return found
	}
	found.Text = x.String()
	found.Values = evaluate(x)
	return found
}

type clause struct {
	Errors  int
	Offset  int
	Package string
	Imports [][2]any
}

// parse is go/parser on a whole file, without what go/build does before it.
func parse(content []byte) (found clause) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", content, parser.ImportsOnly|parser.ParseComments|parser.SkipObjectResolution)
	if list, ok := err.(scanner.ErrorList); ok {
		found.Errors, found.Offset = len(list), list[0].Pos.Offset
		for _, e := range list {
			found.Offset = min(found.Offset, e.Pos.Offset)
		}
		return found
	}
	found.Package = file.Name.Name
	for _, spec := range file.Imports {
		found.Imports = append(found.Imports, [2]any{spec.Path.Value, fset.Position(spec.Path.Pos()).Offset})
	}
	return found
}

func matches(text string) (found []bool) {
	words := strings.Fields(text)
	for _, port := range words[1:] {
		goos, goarch, _ := strings.Cut(port, "/")
		found = append(found, modindex.MatchName(words[0], goos, goarch))
	}
	return found
}

func tags(text string) (found []bool) {
	words := strings.Fields(text)
	goos, goarch, _ := strings.Cut(words[0], "/")
	for _, tag := range words[1:] {
		found = append(found, modindex.MatchTag(tag, goos, goarch, false), modindex.MatchTag(tag, goos, goarch, true))
	}
	return found
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	scratch, err := os.MkdirTemp("", "oracle")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(scratch)
	for {
		kind, err := in.ReadByte()
		if err != nil {
			break
		}
		var length uint32
		if err := binary.Read(in, binary.LittleEndian, &length); err != nil {
			panic(err)
		}
		content := make([]byte, length)
		if _, err := io.ReadFull(in, content); err != nil {
			panic(err)
		}
		var found any
		switch kind {
		case 'g':
			found = modindex.ScanFile("x.go", content, satisfied)
		case 's':
			found = modindex.ScanFile("x.s", content, satisfied)
		case 'p':
			found = parse(content)
		case 'l':
			found = parseLine(string(content))
		case 'n':
			found = matches(string(content))
		case 't':
			found = tags(string(content))
		case 'f':
			found = load.ScanTestFile(filepath.Join(scratch, "x_test.go"), content)
		case 'c':
			found = modindex.CgoFlags(string(content))
		}
		if err := encoder.Encode(found); err != nil {
			panic(err)
		}
	}
	if err := out.Flush(); err != nil {
		panic(err)
	}
}
