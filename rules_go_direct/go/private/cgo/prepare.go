package main

import (
	"fmt"
	"go/build"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// defaults are what C files are compiled with, and programs linked, if nobody says otherwise.
var defaults = []string{"-O2", "-g"}

// sanitizers are what C compilers call those that they take part in.
var sanitizers = map[string]string{"asan": "-fsanitize=address", "msan": "-fsanitize=memory"}

// prepare reads the Go files and runs cgo.
func (j *job) prepare() error {
	files := map[string]string{}
	for _, name := range j.Go {
		files[path.Base(name)] = name
	}
	p, err := j.parse(files)
	if err != nil {
		return err
	}
	f := &flags{Name: p.Name}
	if j.Header != "" {
		// cgo writes none if nothing is exported.
		if err := os.WriteFile(j.Header, nil, 0o666); err != nil {
			return err
		}
	}
	isCgo := map[string]bool{}
	for _, name := range p.CgoFiles {
		isCgo[name] = true
		f.Stems = append(f.Stems, strings.TrimSuffix(name, ".go"))
	}
	if j.Plain != "" {
		for name, file := range files {
			if !isCgo[name] {
				if err := copyFile(file, filepath.Join(j.Plain, name)); err != nil {
					return err
				}
			}
		}
	}
	if len(f.Stems) == 0 {
		return j.withoutC(f)
	}
	if err := j.collectFlags(f, p); err != nil {
		return err
	}
	if err := writeJSON(j.Flags, f); err != nil {
		return err
	}
	return j.runCgo(f, files)
}

// withoutC is for a package that this platform chooses no file for that imports "C".
func (j *job) withoutC(f *flags) error {
	if len(j.Sources) > 0 {
		return fmt.Errorf("package %s: C source files not allowed when not using cgo or SWIG: %s", j.ImportPath, strings.Join(j.Sources, " "))
	}
	if err := writeJSON(j.Flags, f); err != nil {
		return err
	}
	return os.WriteFile(j.Types, []byte("package "+f.Name+"\n"), 0o666)
}

// parse reads the files as the go command does; which ones there are has been decided.
func (j *job) parse(files map[string]string) (*build.Package, error) {
	context := build.Context{
		GOARCH: os.Getenv("GOARCH"), GOOS: os.Getenv("GOOS"), Compiler: "gc", CgoEnabled: true, UseAllFiles: true, BuildTags: j.Tags,
		IsDir: func(string) bool { return true },
		ReadDir: func(string) ([]fs.FileInfo, error) {
			var infos []fs.FileInfo
			for _, file := range j.Go {
				info, err := os.Stat(file)
				if err != nil {
					return nil, err
				}
				infos = append(infos, info)
			}
			return infos, nil
		},
		OpenFile: func(name string) (io.ReadCloser, error) { return os.Open(files[path.Base(name)]) },
	}
	p, err := context.ImportDir(path.Join(cwd, j.Directory), 0)
	if err != nil {
		return nil, fmt.Errorf("package %s: %s", j.ImportPath, strings.ReplaceAll(err.Error(), cwd+"/", ""))
	}
	if len(p.CgoPkgConfig) > 0 {
		advice := "name the library in cdeps, or its flags in copts and clinkopts"
		if j.Plain == "" {
			advice = "this version of rules_go_direct can't build modules that need it"
		}
		return nil, fmt.Errorf("package %s: #cgo pkg-config: %s: rules can't ask pkg-config; %s",
			j.ImportPath, strings.Join(p.CgoPkgConfig, " "), advice)
	}
	return p, nil
}

// collectFlags follows CFlags in cmd/go/internal/work/exec.go.
func (j *job) collectFlags(f *flags, p *build.Package) error {
	lists := []struct {
		name    string
		written []string
		check   *list
	}{
		{"CPPFLAGS", p.CgoCPPFLAGS, compilerFlags},
		{"CFLAGS", p.CgoCFLAGS, compilerFlags},
		{"CXXFLAGS", p.CgoCXXFLAGS, compilerFlags},
		{"LDFLAGS", p.CgoLDFLAGS, linkerFlags},
	}
	for _, l := range lists {
		if flag := l.check.refused(l.written); flag != "" {
			return fmt.Errorf("package %s: invalid flag in #cgo %s: %s", j.ImportPath, l.name, strings.ReplaceAll(flag, cwd+"/", ""))
		}
	}
	f.CPP = join(p.CgoCPPFLAGS, j.CPPFlags)
	f.C = join(defaults, p.CgoCFLAGS, j.CFlags)
	f.CXX = join(defaults, p.CgoCXXFLAGS, j.CXXFlags)
	f.LD = join(defaults, p.CgoLDFLAGS, j.LDFlags)
	for _, source := range j.Sources {
		if filepath.Ext(source) == ".m" {
			f.LD = append(f.LD, "-lobjc")
			break
		}
	}
	f.PrefersExtLink = !compilerFits(f.C, j.Minor) || !compilerFits(f.CXX, j.Minor) || !linkerFits(f.LD, j.Minor)
	// These don't count among the flags that Go's linker may not understand.
	if flag := sanitizers[j.Sanitizer]; flag != "" {
		f.C, f.LD = join([]string{flag}, f.C), join([]string{flag}, f.LD)
	}
	return nil
}

func join(lists ...[]string) []string {
	out := []string{}
	for _, list := range lists {
		out = append(out, list...)
	}
	return out
}

// runCgo runs cgo in the directory of the action, which it records by a name that is the same everywhere.
func (j *job) runCgo(f *flags, files map[string]string) error {
	args := []string{"-objdir", j.Made + "/", "-importpath", j.ImportPath}
	if j.isRuntimeCgo() {
		args = append(args, "-import_runtime_cgo=false")
	}
	if j.Std {
		switch j.ImportPath {
		case "runtime/race", "runtime/msan", "runtime/cgo", "runtime/asan":
			args = append(args, "-import_syscall=false")
		}
	}
	var quoted []string
	for _, flag := range f.LD {
		quoted = append(quoted, strconv.Quote(flag))
	}
	args = append(args, "-ldflags="+strings.Join(quoted, " "))
	if j.Header != "" && f.Name == "main" {
		args = append(args, "-exportheader="+j.Header)
	}
	args = append(args, "--", "-I", path.Join(cwd, j.Directory))
	args = append(args, f.CPP...)
	args = append(append(args, "-I", j.Made+"/"), f.C...)
	for _, stem := range f.Stems {
		args = append(args, files[stem+".go"])
	}
	command := exec.Command(program(j.Cgo), args...)
	command.Env = append(os.Environ(), "PWD="+cwd, "CC="+j.commandForCgo())
	if err := j.output(command); err != nil {
		return err
	}
	for _, stem := range f.Stems {
		name := stem + ".cgo1.go"
		if err := os.Rename(filepath.Join(j.Made, name), filepath.Join(j.Rewritten, name)); err != nil {
			return err
		}
	}
	return os.Rename(filepath.Join(j.Made, "_cgo_gotypes.go"), j.Types)
}

func (j *job) isRuntimeCgo() bool { return j.Std && j.ImportPath == "runtime/cgo" }

// commandForCgo is the compiler as cgo splits it.
func (j *job) commandForCgo() string {
	words := []string{program(j.CC)}
	words = append(words, truly(j.Target)...)
	for i, word := range words {
		if strings.ContainsAny(word, " \t") {
			words[i] = "'" + word + "'"
		}
	}
	return strings.Join(words, " ")
}

// output runs a command and shows what it prints only with names that mean something to the user.
func (j *job) output(command *exec.Cmd) error {
	printed, err := command.CombinedOutput()
	text := strings.NewReplacer(here()+"/", "", cwd+"/", "").Replace(string(printed))
	os.Stderr.WriteString(text)
	if err != nil {
		return fmt.Errorf("package %s: %s: %v", j.ImportPath, filepath.Base(command.Path), err)
	}
	return nil
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o666)
}
