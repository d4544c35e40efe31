package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Flags that not every compiler knows.
const (
	noCaret         = "-fno-caret-diagnostics"
	unusedArguments = "-Qunused-arguments"
	noGcSections    = "-Wl,--no-gc-sections"
	debugPrefixMap  = "-fdebug-prefix-map=a=b"
	filePrefixMap   = "-ffile-prefix-map=a=b"
	noSwitches      = "-gno-record-gcc-switches"
	randomSeed      = "-frandom-seed=1"
)

// probe finds out which flags the compilers know (gccSupportsFlag).
func probe(out, cc, cxx string, target []string) error {
	known := map[string][]string{}
	for _, compiler := range []string{cc, cxx} {
		known[compiler] = []string{}
		for _, flag := range []string{noCaret, unusedArguments, noGcSections, debugPrefixMap, filePrefixMap, noSwitches, randomSeed} {
			args := append(truly(target), flag, "-O2", "-g")
			if !strings.HasPrefix(flag, "-Wl,") {
				args = append(args, "-c")
			}
			printed, err := exec.Command(program(compiler), append(args, "-x", "c", "-", "-o", "/dev/null")...).CombinedOutput()
			if _, ok := err.(*exec.ExitError); err != nil && !ok && compiler == cc {
				return fmt.Errorf("the C toolchain's compiler can't be run: %v", err)
			}
			refused := err != nil && !strings.HasPrefix(flag, "-Wl,")
			for _, word := range []string{"unrecognized", "unknown", "unrecognised", "is not supported", "not recognized", "unsupported"} {
				refused = refused || strings.Contains(string(printed), word)
			}
			if !refused {
				known[compiler] = append(known[compiler], flag)
			}
		}
	}
	return writeJSON(out, known)
}

// compiler is one of the toolchain's.
type compiler struct {
	job   *job
	path  string
	known []string
}

func (j *job) compiler(cxx bool) (*compiler, error) {
	text, err := os.ReadFile(j.Known)
	if err != nil {
		return nil, err
	}
	var known map[string][]string
	if err := json.Unmarshal(text, &known); err != nil {
		return nil, err
	}
	path := j.CC
	if cxx {
		path = j.CXX
	}
	return &compiler{j, path, known[path]}, nil
}

// command has the flags that every package gets (compilerCmd).
func (c *compiler) command(made string) []string {
	goos := os.Getenv("GOOS")
	args := append(truly(c.job.Target), "-I", filepath.Join(here(), c.job.Directory))
	if goos != "windows" {
		args = append(args, "-fPIC")
	}
	args = append(args, c.job.Arch...)
	if goos == "windows" && c.job.Minor < 27 {
		args = append(args, "-mthreads")
	} else {
		args = append(args, "-pthread")
	}
	for _, flag := range []string{noCaret, unusedArguments, noGcSections} {
		if slices.Contains(c.known, flag) {
			args = append(args, flag)
		}
	}
	args = append(args, "-fmessage-length=0")
	args = append(args, c.prefixMap(made, "/tmp/go-build")...)
	if slices.Contains(c.known, noSwitches) {
		args = append(args, noSwitches)
	}
	if goos == "darwin" || goos == "ios" {
		args = append(args, "-fno-common")
	}
	return args
}

// prefixMap is the flag by which the compiler records one directory in the place of another.
func (c *compiler) prefixMap(from, to string) []string {
	flag := "-ffile-prefix-map="
	switch {
	case !slices.Contains(c.known, debugPrefixMap):
		return nil
	case !slices.Contains(c.known, filePrefixMap):
		flag = "-fdebug-prefix-map="
	}
	return []string{flag + from + "=" + to}
}

// recorded is what stands for a directory in what compilers record.
func (j *job) recorded(directory string) string {
	name := "."
	for _, root := range j.Roots {
		if below, ok := strings.CutPrefix(directory+"/", strings.TrimPrefix(root[0]+"/", "/")); ok {
			name = strings.TrimSuffix(root[1]+"/"+below, "/")
		}
	}
	return name
}

// compile compiles a file of a directory.
func (j *job) compile(f *flags, directory, name, object string) error {
	c, err := j.compiler(isCXX(name))
	if err != nil {
		return err
	}
	made := filepath.Join(here(), j.Made)
	args := append(c.command(made), truly(f.CPP)...)
	args = append(args, "-I", made+"/")
	if isCXX(name) {
		args = append(args, truly(f.CXX)...)
	} else {
		args = append(args, truly(f.C)...)
	}
	// Of several directories the last one counts: the less of a path they name, the earlier they come. For clang before 17 the longest one counts, of
	// assembly the shortest, and of the same ones the first.
	isRoot := slices.ContainsFunc(j.Roots, func(root [2]string) bool { return root[0] == "" })
	isAssembly := slices.Contains(c.known, unusedArguments) && slices.Contains([]string{".S", ".s", ".sx"}, filepath.Ext(name))
	if !isRoot && !isAssembly {
		for _, base := range []string{here(), cwd} {
			args = append(args, c.prefixMap(base, ".")...)
		}
	}
	if isAssembly {
		// It would be recorded in spite of these flags, as `go build` does.
		args = append(args, "-fdebug-compilation-dir="+j.recorded(directory))
	}
	for _, root := range j.Roots {
		for _, base := range []string{here(), cwd} {
			args = append(args, c.prefixMap(filepath.Join(base, root[0]), root[1])...)
		}
	}
	args = append(args, c.prefixMap(made, "/tmp/go-build")...)
	if slices.Contains(c.known, randomSeed) {
		args = append(args, "-frandom-seed="+j.ImportPath)
	}
	command := exec.Command(program(c.path), append(args, "-o", filepath.Join(here(), object), "-c", name)...)
	command.Dir = filepath.Join(here(), directory)
	return j.output(command)
}

// compileOwn compiles a file of the package in the directory that it is in, as the go command does.
func (j *job) compileOwn(f *flags, source, object string) error {
	return j.compile(f, filepath.Dir(source), filepath.Base(source), object)
}
