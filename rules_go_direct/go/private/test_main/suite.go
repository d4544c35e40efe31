package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// suite has what the test files of one package declare.
type suite struct {
	tests, benchmarks, fuzzTargets []string
	examples                       []*doc.Example
	hasMain                        bool
}

var positions = token.NewFileSet()

func parse(name string) (*ast.File, error) {
	return parser.ParseFile(positions, name, nil, parser.ParseComments|parser.SkipObjectResolution)
}

// isEmpty says whether nothing of the package is called.
func (s *suite) isEmpty() bool {
	return len(s.tests)+len(s.benchmarks)+len(s.fuzzTargets)+len(s.examples) == 0 && !s.hasMain
}

// names are those of all that runs without being asked for.
func (s *suite) names() []string {
	names := append(append([]string(nil), s.tests...), s.fuzzTargets...)
	for _, example := range s.examples {
		names = append(names, "Example"+example.Name)
	}
	return names
}

func (s *suite) add(file *ast.File) error {
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || function.Recv != nil {
			continue
		}
		if err := s.addFunction(function); err != nil {
			return err
		}
	}
	examples := doc.Examples(file)
	slices.SortFunc(examples, func(a, b *doc.Example) int { return a.Order - b.Order })
	for _, example := range examples {
		if example.Output != "" || example.EmptyOutput {
			s.examples = append(s.examples, example)
		}
	}
	return nil
}

func (s *suite) addFunction(function *ast.FuncDecl) error {
	name := function.Name.Name
	switch {
	case name == "TestMain" && takes(function, "T"):
		s.tests = append(s.tests, name)
	case name == "TestMain":
		if s.hasMain {
			return errors.New("multiple definitions of TestMain")
		}
		s.hasMain = true
		return check(function, "M")
	case isTest(name, "Test"):
		s.tests = append(s.tests, name)
		return check(function, "T")
	case isTest(name, "Benchmark"):
		s.benchmarks = append(s.benchmarks, name)
		return check(function, "B")
	case isTest(name, "Fuzz"):
		s.fuzzTargets = append(s.fuzzTargets, name)
		return check(function, "F")
	}
	return nil
}

// isTest says whether a name is the prefix, alone or before something that isn't a lower-case letter.
func isTest(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && (rest == "" || !unicode.IsLower(first))
}

// takes says whether the only parameter is a pointer to a type of this name, in whichever package.
func takes(function *ast.FuncDecl, kind string) bool {
	signature := function.Type
	if signature.Results.NumFields() > 0 || len(signature.Params.List) != 1 || len(signature.Params.List[0].Names) > 1 {
		return false
	}
	pointer, ok := signature.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	switch named := pointer.X.(type) {
	case *ast.Ident:
		return named.Name == kind
	case *ast.SelectorExpr:
		return named.Sel.Name == kind
	}
	return false
}

func check(function *ast.FuncDecl, kind string) error {
	name, wrong := function.Name.Name, ""
	if !takes(function, kind) {
		wrong = fmt.Sprintf("must be: func %s(%s *testing.%s)", name, strings.ToLower(kind), kind)
	}
	if function.Type.TypeParams.NumFields() > 0 {
		wrong = "test functions cannot have type parameters"
	}
	if wrong == "" {
		return nil
	}
	return fmt.Errorf("%s: wrong signature for %s, %s", positions.Position(function.Pos()), name, wrong)
}
