// Test_main writes the source of the program that runs the tests of a package, as the go command does, and sorts the test files by the
// package that they belong to.
//
//	test_main -importpath PATH -module PATH -go MINOR -main FILE -internal DIRECTORY -external DIRECTORY -run FILE [-setting LINE]...
//		[-has-package] [-expect NAMES] [-counted FILE -cover-mode MODE] FILE...
//
// It follows loadTestFuncs and testmainTmpl in cmd/go/internal/load/test.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// anyFile stands for the names in -expect when they aren't known.
const anyFile = "*"

// job is what the arguments say.
type job struct {
	importPath, module            string
	minor                         int
	main, internal, external, run string
	expect                        string
	counted, coverMode            string
	hasPackage                    bool
	settings                      list
	files                         []string
}

func main() {
	var j job
	flag.StringVar(&j.importPath, "importpath", "", "import `path` of the tested package")
	flag.StringVar(&j.module, "module", "", "`path` of its module")
	flag.IntVar(&j.minor, "go", 0, "`N` of the SDK's version 1.N")
	flag.StringVar(&j.main, "main", "", "`file` for the source of the program")
	flag.StringVar(&j.internal, "internal", "", "`directory` for the test files of the package itself")
	flag.StringVar(&j.external, "external", "", "`directory` for those of the package _test")
	flag.StringVar(&j.run, "run", "", "`file` for what the program's runner has to know")
	flag.StringVar(&j.expect, "expect", anyFile, "`names` of the files of the package _test, with commas between; * if they aren't known")
	flag.StringVar(&j.counted, "counted", "", "`file` with the names in profiles of files with counters; each is followed by a tab and its path")
	flag.StringVar(&j.coverMode, "cover-mode", "", "how statements are counted, with -counted")
	flag.BoolVar(&j.hasPackage, "has-package", false, "there is a package besides the tests")
	flag.Var(&j.settings, "setting", "`line` for the runner; may be repeated")
	flag.Parse()
	j.files = flag.Args()
	if err := j.do(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (j *job) do() error {
	slices.SortFunc(j.files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	var internal, external suite
	var externalFiles, internalFiles []string
	for _, name := range j.files {
		file, err := parse(name)
		if err != nil {
			return err
		}
		suite, files := &internal, &internalFiles
		if strings.HasSuffix(file.Name.Name, "_test") {
			suite, files = &external, &externalFiles
		}
		if err := suite.add(file); err != nil {
			return err
		}
		*files = append(*files, name)
	}
	if internal.hasMain && external.hasMain {
		return errors.New("multiple definitions of TestMain")
	}
	if err := j.check(externalFiles); err != nil {
		return err
	}
	p := program{importPath: j.importPath, module: j.module, minor: j.minor, external: &external, internal: &internal}
	p.importInternal = j.hasPackage || len(internalFiles) > 0
	p.importExternal = len(externalFiles) > 0
	if j.counted != "" {
		packages, err := countedPackages(j.counted)
		if err != nil {
			return err
		}
		p.cover = &cover{mode: j.coverMode, packages: packages}
	}
	if err := os.WriteFile(j.main, p.source(), 0o666); err != nil {
		return err
	}
	lines := append([]string(nil), j.settings...)
	for _, name := range append(internal.names(), external.names()...) {
		lines = append(lines, "test "+name)
	}
	if err := os.WriteFile(j.run, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
		return err
	}
	if err := copyFiles(j.internal, internalFiles, !j.hasPackage); err != nil {
		return err
	}
	return copyFiles(j.external, externalFiles, true)
}

// check compares the files of the package _test with what the rule says of them.
func (j *job) check(externalFiles []string) error {
	if j.expect == anyFile {
		return nil
	}
	var found []string
	for _, name := range externalFiles {
		found = append(found, filepath.Base(name))
	}
	var expected []string
	for _, name := range strings.Split(j.expect, ",") {
		if slices.ContainsFunc(j.files, func(file string) bool { return filepath.Base(file) == name }) {
			expected = append(expected, name)
		}
	}
	slices.Sort(expected)
	if !slices.Equal(found, expected) {
		return fmt.Errorf("external_srcs is [%s], but the files in package …_test are [%s]: correct it, run `godirect generate`, or leave the attribute out",
			strings.Join(expected, ", "), strings.Join(found, ", "))
	}
	return nil
}

// copyFiles copies into a directory, where a package may not be without files.
func copyFiles(directory string, files []string, alone bool) error {
	if directory == "" {
		return nil
	}
	if len(files) == 0 && alone {
		return os.WriteFile(filepath.Join(directory, "empty.go"), []byte("package empty\n"), 0o666)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, filepath.Base(name)), content, 0o666); err != nil {
			return err
		}
	}
	return nil
}
