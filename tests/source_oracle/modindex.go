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

// MatchTag says whether a tag is satisfied on a port, apart from those of experiments and variants.
func MatchTag(tag, goos, goarch string, cgo bool) bool {
	ctxt := Context(build.Context{GOOS: goos, GOARCH: goarch, Compiler: "gc", CgoEnabled: cgo,
		BuildTags: []string{"netgo"}, ReleaseTags: build.Default.ReleaseTags})
	return ctxt.matchTag(tag, nil)
}

// Flags are what #cgo lines say.
type Flags struct {
	Error                                                string
	CFlags, CPPFlags, CXXFlags, FFlags, LDFlags, PkgConfig []string
}

// CgoFlags is what the #cgo lines in a text say on linux/amd64.
func CgoFlags(text string) Flags {
	ctxt := Context(build.Context{GOOS: "linux", GOARCH: "amd64", Compiler: "gc", CgoEnabled: true,
		ReleaseTags: build.Default.ReleaseTags})
	p := &build.Package{Dir: "/d/p"}
	err := ctxt.saveCgo("x.go", p, text)
	flags := Flags{"", p.CgoCFLAGS, p.CgoCPPFLAGS, p.CgoCXXFLAGS, p.CgoFFLAGS, p.CgoLDFLAGS, p.CgoPkgConfig}
	if err != nil {
		flags.Error = strings.TrimPrefix(err.Error(), "x.go: ")
	}
	return flags
}
