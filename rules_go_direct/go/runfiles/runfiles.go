// Package runfiles finds the files that a target of Bazel has declared to need when it runs (its `data`).
//
// Names of files are as `$(rlocationpath …)` gives them: the name of a repository and a path in it, with slashes. The package has the API
// of rules_go's package with this import path.
package runfiles

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// ErrEmpty says that a file isn't there, but is to be taken for an empty one.
var ErrEmpty = errors.New("empty runfile")

// Error says which file can't be found, and why.
type Error struct {
	Name string
	Err  error
}

func (e Error) Error() string { return fmt.Sprintf("runfile %s: %v", e.Name, e.Err) }

// Unwrap is the reason.
func (e Error) Unwrap() error { return e.Err }

// Runfiles are the files of a program. They also are a file system, with the same names.
type Runfiles struct {
	// One of both is there.
	directory string
	manifest  map[string]string
	env       string
	// mapping has the directories of repositories, by the repository that speaks of them and the name that they have there.
	mapping    map[[2]string]string
	sourceRepo string
}

// Option says where runfiles are, in the place of what the environment says.
type Option interface{ apply(*options) }

// ProgramName is the path of the program, beside which runfiles are looked for; by default os.Args[0].
type ProgramName string

// Directory is the root of the tree of runfiles; by default what RUNFILES_DIR says.
type Directory string

// ManifestFile lists runfiles with their places; by default what RUNFILES_MANIFEST_FILE says.
type ManifestFile string

// SourceRepo is the canonical name of the repository whose names for other repositories count; by default the main one.
type SourceRepo string

type options struct {
	program                         ProgramName
	directory, manifest, sourceRepo string
}

func (p ProgramName) apply(o *options)  { o.program = p }
func (d Directory) apply(o *options)    { o.directory = string(d) }
func (m ManifestFile) apply(o *options) { o.manifest = string(m) }
func (s SourceRepo) apply(o *options)   { o.sourceRepo = string(s) }

// New finds the runfiles of this program, or those that the options name.
func New(opts ...Option) (*Runfiles, error) {
	o := options{program: ProgramName(os.Args[0])}
	for _, option := range opts {
		option.apply(&o)
	}
	if o.manifest == "" && o.directory == "" {
		o.manifest, o.directory = os.Getenv("RUNFILES_MANIFEST_FILE"), os.Getenv("RUNFILES_DIR")
	}
	if o.manifest == "" && o.directory == "" {
		beside := string(o.program) + ".runfiles"
		if info, err := os.Stat(beside + "_manifest"); err == nil && info.Mode().IsRegular() {
			o.manifest = beside + "_manifest"
		} else if info, err := os.Stat(beside); err == nil && info.IsDir() {
			o.directory = beside
		} else {
			return nil, errors.New("runfiles: no runfiles found")
		}
	}
	r := &Runfiles{sourceRepo: o.sourceRepo}
	if o.manifest != "" {
		r.env = "RUNFILES_MANIFEST_FILE=" + o.manifest
		if err := r.readManifest(o.manifest); err != nil {
			return nil, fmt.Errorf("runfiles: %w", err)
		}
	} else {
		r.directory, r.env = o.directory, "RUNFILES_DIR="+o.directory
	}
	return r, r.readMapping()
}

// readManifest reads lines of a name, a space and a place. With a space before it, a line has spaces, line ends and backslashes escaped.
func (r *Runfiles) readManifest(name string) error {
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	r.manifest = map[string]string{}
	for _, line := range strings.Split(string(content), "\n") {
		escaped := strings.HasPrefix(line, " ")
		file, place, _ := strings.Cut(strings.TrimPrefix(line, " "), " ")
		if escaped {
			file = strings.NewReplacer(`\s`, " ", `\n`, "\n", `\b`, `\`).Replace(file)
			place = strings.NewReplacer(`\n`, "\n", `\b`, `\`).Replace(place)
		}
		if file != "" {
			r.manifest[file] = place
		}
	}
	return nil
}

// readMapping reads lines of a repository, a name in it, and the directory of the repository that is meant.
func (r *Runfiles) readMapping() error {
	name, err := r.place("_repo_mapping")
	if err != nil {
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		// Without modules there is none, and all names are canonical.
		return nil
	}
	defer file.Close()
	r.mapping = map[[2]string]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), ",", 3)
		if len(fields) != 3 {
			return fmt.Errorf("runfiles: bad line %q in %s", lines.Text(), name)
		}
		r.mapping[[2]string{fields[0], fields[1]}] = fields[2]
	}
	return lines.Err()
}

// place is where a file with a canonical name is; a directory's name may be that of files below it.
func (r *Runfiles) place(name string) (string, error) {
	if r.manifest == nil {
		return filepath.Join(r.directory, filepath.FromSlash(name)), nil
	}
	if place, ok := r.manifest[name]; ok {
		if place == "" {
			return "", ErrEmpty
		}
		return filepath.FromSlash(place), nil
	}
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if place, ok := r.manifest[above]; ok && place != "" {
			return filepath.FromSlash(place + strings.TrimPrefix(name, above)), nil
		}
	}
	return "", fs.ErrNotExist
}

// Rlocation is the path of a file. It can be there or not, unless there is a manifest.
func (r *Runfiles) Rlocation(name string) (string, error) {
	if r.directory == "" && r.manifest == nil {
		return "", errors.New("runfiles: uninitialized Runfiles object")
	}
	if filepath.IsAbs(name) {
		return name, nil
	}
	if !fs.ValidPath(name) || name == "." {
		return "", Error{name, errors.New("it must be a relative path, without . and .. and double slashes")}
	}
	canonical := name
	if repository, rest, ok := strings.Cut(name, "/"); ok {
		if directory, ok := r.mapping[[2]string{r.sourceRepo, repository}]; ok {
			canonical = directory + "/" + rest
		}
	}
	place, err := r.place(canonical)
	if err != nil {
		return "", Error{name, err}
	}
	return place, nil
}

// Env is what processes need in their environment, so that they find the same files.
func (r *Runfiles) Env() []string {
	if r.env == "" {
		return nil
	}
	return []string{r.env}
}

// WithSourceRepo are the same files by the names of another repository.
func (r *Runfiles) WithSourceRepo(sourceRepo string) *Runfiles {
	other := *r
	other.sourceRepo = sourceRepo
	return &other
}

// Open opens a file or directory.
func (r *Runfiles) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	place, err := r.Rlocation(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.Open(place)
}

var global = sync.OnceValues(func() (*Runfiles, error) { return New() })

// Rlocation is the path of one of this program's files, by its name in the main repository.
func Rlocation(name string) (string, error) { return RlocationFrom(name, "") }

// RlocationFrom is the same by its name in a repository.
func RlocationFrom(name, sourceRepo string) (string, error) {
	r, err := global()
	if err != nil {
		return "", err
	}
	return r.WithSourceRepo(sourceRepo).Rlocation(name)
}

// Env is what processes need in their environment, so that they find this program's files.
func Env() ([]string, error) {
	r, err := global()
	if err != nil {
		return nil, err
	}
	return r.Env(), nil
}

// CurrentRepository is the main repository's canonical name: compiled code doesn't know where its source was.
func CurrentRepository(int) string { return "" }
