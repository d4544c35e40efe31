package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The cases are those of src/lock/build/tests.rs: both must do the same with a patch.
func TestApply(t *testing.T) {
	const header = "--- a/src/fmt/print.go\n+++ b/src/fmt/print.go\n"
	const before = "package fmt\n\nvar a = 1\nvar b = 2\nvar c = 3\n"
	for _, test := range []struct{ patch, want, failure string }{
		{
			patch: "diff --git a/src/fmt/print.go b/src/fmt/print.go\n" + header +
				"@@ -2,3 +2,4 @@ package fmt\n \n-var a = 1\n+var a = 10\n+var a2 = 11\n var b = 2\n" +
				"--- /dev/null\n+++ b/src/new/new.go\n@@ -0,0 +1 @@\n+package new\n",
			want: "src/fmt/print.go: package fmt\n\nvar a = 10\nvar a2 = 11\nvar b = 2\nvar c = 3\nsrc/new/new.go: package new\n",
		},
		{
			patch: "--- a/src/fmt/print.go\n+++ /dev/null\n@@ -1,5 +0,0 @@\n-package fmt\n-\n-var a = 1\n-var b = 2\n-var c = 3\n",
		},
		{
			patch: header + "@@ -5 +5 @@\n-var c = 3\n+var c = 4\n\\ No newline at end of file\n",
			want:  "src/fmt/print.go: package fmt\n\nvar a = 1\nvar b = 2\nvar c = 4",
		},
		{
			patch:   header + "@@ -3 +3 @@\n-var a = 1\n+var a = 2\n@@ -5 +5 @@\n-var d = 3\n+var d = 4\n",
			failure: "src/fmt/print.go: hunk 2 doesn't fit at line 5",
		},
		{
			patch:   header + "@@ -4 +4 @@\n-var a = 1\n+var a = 2\n",
			failure: "src/fmt/print.go: hunk 1 doesn't fit at line 4",
		},
		{
			patch:   header + "@@ -6 +6 @@\n-var d = 3\n+var d = 4\n",
			failure: "src/fmt/print.go: hunk 1 doesn't fit at line 6",
		},
		{
			patch:   header + "@@ -3,9 +3,9 @@\n-var a = 1\n",
			failure: "line 5: the hunk ends too early",
		},
		{
			patch:   "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n",
			failure: `"../x" is outside of GOROOT`,
		},
	} {
		directory := t.TempDir()
		patch := filepath.Join(directory, "p.patch")
		goroot := filepath.Join(directory, "goroot")
		write(t, patch, test.patch)
		write(t, filepath.Join(goroot, "src/fmt/print.go"), before)
		err := apply(patch, goroot)
		if failure := strings.TrimPrefix(message(err), patch+": "); failure != test.failure {
			t.Errorf("%q: %q, want %q", test.patch, failure, test.failure)
		}
		if err == nil {
			if got := files(t, goroot); got != test.want {
				t.Errorf("%q gives\n%s\nwant\n%s", test.patch, got, test.want)
			}
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// files is the name and content of each file below a directory.
func files(t *testing.T, directory string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all.WriteString(strings.TrimPrefix(path, directory+"/") + ": " + string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// A release's programs are named by the source, what is generated is left out, and only what is shipped stays.
func TestSourceAndPrune(t *testing.T) {
	directory := t.TempDir()
	j := job{source: filepath.Join(directory, "source"), out: filepath.Join(directory, "out")}
	for _, name := range []string{
		"VERSION", "bin/go", "pkg/include/textflag.h", "pkg/tool/linux_amd64/link", "src/errors/errors.go", "src/time/tzdata/zzipdata.go",
	} {
		write(t, filepath.Join(j.source, name), name+"\n")
	}
	shipped, err := j.copySource()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := files(t, j.out), "VERSION: VERSION\nsrc/errors/errors.go: src/errors/errors.go\n"; got != want {
		t.Errorf("copied\n%s\nwant\n%s", got, want)
	}
	if err := j.prune(shipped); err == nil {
		t.Error("what a release has must be built")
	}
	for _, name := range []string{
		"bin/go", "pkg/include/textflag.h", "pkg/obj/go-build/a", "pkg/tool/linux_amd64/dist", "pkg/tool/linux_amd64/link",
	} {
		write(t, filepath.Join(j.out, name), "built\n")
	}
	if err := j.prune(shipped); err != nil {
		t.Fatal(err)
	}
	want := "VERSION: VERSION\nbin/go: built\npkg/include/textflag.h: built\npkg/tool/linux_amd64/link: built\n" +
		"src/errors/errors.go: src/errors/errors.go\n"
	if got := files(t, j.out); got != want {
		t.Errorf("left\n%s\nwant\n%s", got, want)
	}
	for name, mode := range map[string]os.FileMode{"bin/go": 0o755, "pkg/include/textflag.h": 0o644, "pkg/tool/linux_amd64/link": 0o755} {
		if info, err := os.Stat(filepath.Join(j.out, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v, want %v", name, info, err, mode)
		}
	}
}
