// Package reads has tests alone, which look at what the sandbox has.
package reads

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

//godirect:data ../golden

func TestFiles(t *testing.T) {
	for name, want := range map[string]string{
		"testdata/word.txt":      "word",
		"../golden/declared.txt": "declared",
		"../shared/recorded.txt": "recorded",
	} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"../README.md", "../go.mod", "../shared/other.txt", "../base"} {
		if _, err := os.Lstat(name); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrites(t *testing.T) {
	for _, name := range []string{"testdata/word.txt", "new.txt", "testdata/new.txt", "../golden/new.txt"} {
		if err := os.WriteFile(name, []byte("written"), 0o644); err != nil {
			t.Error(err)
		}
	}
	// Other tests read it.
	if err := os.WriteFile("testdata/word.txt", []byte("word"), 0o644); err != nil {
		t.Error(err)
	}
	home, err := os.UserHomeDir()
	if err == nil {
		err = os.WriteFile(filepath.Join(home, "file"), nil, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
	t.TempDir()
}

func TestEnvironment(t *testing.T) {
	directory, err := os.Getwd()
	if err != nil || filepath.Base(directory) != "reads" || os.Getenv("PWD") != directory {
		t.Errorf("%s, %v", directory, err)
	}
	if _, err := time.LoadLocation("Europe/Berlin"); err != nil {
		t.Error(err)
	}
	if version, err := exec.Command("go", "version").Output(); err != nil || string(version) != "go version go1.27.3 linux/amd64\n" {
		t.Errorf("%q, %v", version, err)
	}
	if value, found := os.LookupEnv("out"); found {
		t.Errorf("out is %s", value)
	}
}

// The spec leaves out what fails.
func TestNetwork(t *testing.T) { t.Error("there is no network") }

func TestParts(t *testing.T) {
	t.Run("quick", func(t *testing.T) {})
	t.Run("slow", func(t *testing.T) { t.Error("it is slow") })
}

// SALT
