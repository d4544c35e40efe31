package lib

import (
	"io/fs"
	"testing"

	"github.com/bazelbuild/rules_go/go/runfiles"
)

func TestText(t *testing.T) {
	if text, err := Text(); text != "some text" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if Version != "stamped" {
		t.Errorf("Version is %s", Version)
	}
}

func TestFiles(t *testing.T) {
	files, err := runfiles.New()
	if err != nil {
		t.Fatal(err)
	}
	content, err := fs.ReadFile(files, "migrated/lib/text.txt")
	if string(content) != "some text\n" || err != nil {
		t.Errorf("got %q, %v", content, err)
	}
	if _, err := fs.ReadFile(files, "../x"); err == nil {
		t.Error("a path out of the tree can be read")
	}
	if env := files.Env(); len(env) != 1 {
		t.Errorf("got %q", env)
	}
}
