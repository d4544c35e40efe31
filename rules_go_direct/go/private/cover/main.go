// Cover lets the SDK's cover tool rewrite Go files of a package so that they count their statements.
//
//	cover -tool FILE -mode MODE -importpath PATH -module PATH -config FILE -directory DIRECTORY FILE...
//
// What the tool writes are the files by their own names and covervars.go in the directory, and the file for the compiler that -config names.
// It follows cover and buildVarsFiles in cmd/go/internal/work/exec.go; all paths are relative.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// cwd is the directory of the action by a name that is the same in every sandbox and on every machine.
const cwd = "/proc/self/cwd"

// packageConfig is what the tool is told of the package (internal/coverage/covcmd.CoverPkgConfig).
type packageConfig struct {
	OutConfig, PkgPath, PkgName, Granularity, ModulePath string
	Local                                                bool
	EmitMetaFile                                         string
}

// job is what the arguments say.
type job struct {
	tool, mode, importPath, module, config, directory string
	files                                             []string
}

func main() {
	var j job
	flag.StringVar(&j.tool, "tool", "", "the SDK's cover tool")
	flag.StringVar(&j.mode, "mode", "", "how statements are counted, as the tool's `mode`")
	flag.StringVar(&j.importPath, "importpath", "", "import `path` of the package")
	flag.StringVar(&j.module, "module", "", "`path` of its module")
	flag.StringVar(&j.config, "config", "", "`file` for the compiler")
	flag.StringVar(&j.directory, "directory", "", "`directory` for rewritten files")
	flag.Parse()
	j.files = flag.Args()
	if err := j.do(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (j *job) do() (err error) {
	if len(j.files) == 0 {
		return errors.New("usage: cover -tool FILE -mode MODE -importpath PATH -module PATH -config FILE -directory DIRECTORY FILE...")
	}
	scratch, err := os.MkdirTemp("", "cover")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	file, err := parser.ParseFile(token.NewFileSet(), j.files[0], nil, parser.PackageClauseOnly)
	if err != nil {
		return err
	}
	described, err := json.Marshal(packageConfig{
		OutConfig: j.named(j.config), PkgPath: j.importPath, PkgName: file.Name.Name, Granularity: "perblock", ModulePath: j.module,
	})
	if err != nil {
		return err
	}
	outputs := []string{j.named(path.Join(j.directory, "covervars.go"))}
	var inputs []string
	for _, name := range j.files {
		inputs = append(inputs, j.named(name))
		outputs = append(outputs, j.named(path.Join(j.directory, path.Base(name))))
	}
	packageFile, outputsFile := filepath.Join(scratch, "pkgcfg.txt"), filepath.Join(scratch, "coveroutfiles.txt")
	if err := os.WriteFile(packageFile, append(described, '\n'), 0o666); err != nil {
		return err
	}
	if err := os.WriteFile(outputsFile, []byte(strings.Join(outputs, "\n")+"\n"), 0o666); err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(j.importPath))
	variable := fmt.Sprintf("goCover_%x_", hash[:6])
	arguments := []string{"-pkgcfg", packageFile, "-mode", j.mode, "-var", variable, "-outfilelist", outputsFile}
	command := exec.Command(j.named(j.tool), append(arguments, inputs...)...)
	command.Dir = j.workingDirectory()
	printed, err := command.CombinedOutput()
	os.Stderr.WriteString(strings.ReplaceAll(string(printed), j.named(""), ""))
	if err != nil {
		return fmt.Errorf("package %s: cover: %w", j.importPath, err)
	}
	return nil
}

// named is a file's name for the tool, which it writes into `//line` comments, so that it must mean the same to the compiler in another sandbox.
// Where the action's directory has no such name, it is relative to the rewritten file, as the compiler takes it.
func (j *job) named(file string) string {
	if runtime.GOOS == "linux" {
		return cwd + "/" + file
	}
	return strings.Repeat("../", strings.Count(j.directory, "/")+1) + file
}

func (j *job) workingDirectory() string {
	if runtime.GOOS == "linux" {
		return ""
	}
	return j.directory
}
