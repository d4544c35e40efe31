// Part of package modindex of cmd/go while the oracle is compiled: what the go command finds in single files.

package modindex

import (
	"bytes"
	"go/build"
	"go/build/constraint"
	"go/doc"
	"go/token"
	"strings"
)

// A Found is what the index of a module has of a file.
type Found struct {
	Error      string
	ParseError string
	Package    string
	Doc        string
	Imports    [][2]string
	Embeds     [][2]string
	Directives [][2]string
	Cgo        []string
	BinaryOnly bool
	Constraint []bool
}

// ScanFile is importRaw for one file that is in memory, with its constraints evaluated.
func ScanFile(name string, content []byte, satisfied []func(tag string) bool) (found Found) {
	fset := token.NewFileSet()
	info := &fileInfo{name: "/d/" + name, fset: fset}
	var err error
	if isGo := strings.HasSuffix(name, ".go"); isGo {
		err = readGoInfo(bytes.NewReader(content), info)
	} else {
		info.header, err = readComments(bytes.NewReader(content))
	}
	if err != nil {
		return Found{Error: "read: " + err.Error()}
	}
	goBuild, plusBuild, binaryOnly, err := getConstraints(info.header)
	if err != nil {
		return Found{Error: err.Error()}
	}
	found.BinaryOnly = binaryOnly
	lines := plusBuild
	if goBuild != "" {
		x, err := constraint.Parse(goBuild)
		if err != nil {
			return Found{Error: "parsing //go:build line: " + err.Error()}
		}
		for _, f := range satisfied {
			found.Constraint = append(found.Constraint, x.Eval(f))
		}
		lines = nil
	} else {
		for _, f := range satisfied {
			value := true
			for _, line := range lines {
				if x, err := constraint.Parse(line); err == nil {
					value = x.Eval(f) && value
				}
			}
			found.Constraint = append(found.Constraint, value)
		}
	}
	found.ParseError = parseErrorToString(info.parseErr)
	if info.parsed != nil {
		found.Package = info.parsed.Name.Name
		if info.parsed.Doc != nil {
			found.Doc = doc.Synopsis(info.parsed.Doc.Text())
		}
	}
	for _, imp := range info.imports {
		if imp.path == "C" {
			found.Cgo = append(found.Cgo, extractCgoDirectives(imp.doc.Text())...)
		}
		found.Imports = append(found.Imports, [2]string{imp.path, fset.Position(imp.pos).String()})
	}
	for _, emb := range info.embeds {
		found.Embeds = append(found.Embeds, [2]string{emb.pattern, emb.pos.String()})
	}
	for _, d := range info.directives {
		found.Directives = append(found.Directives, [2]string{d.Text, d.Pos.String()})
	}
	return found
}

// MatchName says whether a file of this name belongs to a port.
func MatchName(name, goos, goarch string) bool {
	ctxt := Context(build.Context{GOOS: goos, GOARCH: goarch, Compiler: "gc"})
	return ctxt.goodOSArchFile(name, nil)
}
