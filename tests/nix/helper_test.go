// Tests of templates/nix/helper, kept apart from it because what stands there is emitted. tests/nix.rs runs them with the pinned go.
package main

import (
	"archive/zip"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	tokens := map[string]string{"src": "/s", "x:a/b@c": "/x", "tricky": "{src}"}
	for text, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		"{src}/a.go":              "/s/a.go",
		"{src}{src}":              "/s/s",
		"packagefile={x:a/b@c}":   "packagefile=/x",
		`{{"Files":{{"{src}"}}}}`: `{"Files":{"/s"}}`,
		"{{{src}}}":               "{/s}",
		"{{src}}":                 "{src}",
		"{tricky}":                "{src}",
	} {
		if got, err := expand(text, tokens); err != nil || got != want {
			t.Errorf("expand(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"a{b":      `unpaired brace at "{b"`,
		"a}b":      `unpaired brace at "}b"`,
		"{x:fmt}":  "unknown token {x:fmt}",
		"{}":       "unknown token {}",
		"{src}}":   `unpaired brace at "}"`,
		"{ {src}}": "unknown token { {src}",
	} {
		if got, err := expand(text, tokens); err == nil || err.Error() != want {
			t.Errorf("expand(%q) = %q, %v, want the error %q", text, got, err, want)
		}
	}
}

// do runs steps in a fresh directory and returns what is in it: name, mode and content of each file. {src} has an executable file, program.
func do(t *testing.T, steps string) (map[string]string, error) {
	t.Helper()
	top := t.TempDir()
	attributes, err := json.Marshal(map[string]any{
		"label":  "example.com/p",
		"env":    map[string]string{"B": "2", "A": "1"},
		"tokens": map[string]string{"src": top + "/src", "self": os.Args[0]},
		"shown":  "p/",
		"steps":  json.RawMessage(steps),
		"system": "ignored",
	})
	if err != nil {
		t.Fatal(err)
	}
	src := filepath.Join(top, "src")
	if err := os.Mkdir(src, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(src, "program"), []byte("#!"), 0o555); err != nil {
		t.Fatal(err)
	}
	failed := build(attributes, top)
	if err := os.RemoveAll(src); err != nil {
		t.Fatal(err)
	}
	return files(t, top), failed
}

func files(t *testing.T, top string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(top, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		found[filepath.ToSlash(name[len(top)+1:])] = info.Mode().String() + " " + string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func check(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPackPadsToAnEvenLength(t *testing.T) {
	got, err := do(t, `[
		{"write": "{obj}/p.a", "text": "!<arch>\n"},
		{"write": "{obj}/odd.o", "text": "abc"},
		{"write": "{obj}/a_name_of_twenty_.o", "text": "abcd"},
		{"pack": "{obj}/p.a", "add": ["{obj}/odd.o", "{obj}/a_name_of_twenty_.o"]}
	]`)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got, map[string]string{
		"obj/odd.o":               "-rw-r--r-- abc",
		"obj/a_name_of_twenty_.o": "-rw-r--r-- abcd",
		"obj/p.a": "-rw-r--r-- !<arch>\n" +
			"odd.o           0           0     0     644     3         `\nabc\x00" +
			"a_name_of_twenty0           0     0     644     4         `\nabcd",
	})
}

func TestCopyKeepsTheModeAndWhatIsThere(t *testing.T) {
	got, err := do(t, `[
		{"mkdir": "{obj}/a/b"},
		{"write": "{obj}/a/b/text", "text": "{{}}"},
		{"copy": "{obj}/a/b/text", "to": "{obj}/c/text"},
		{"copy": "{src}/program", "to": "{obj}/program"}
	]`)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got, map[string]string{"obj/a/b/text": "-rw-r--r-- {}", "obj/c/text": "-rw-r--r-- {}", "obj/program": "-rwxr-xr-x #!"})

	_, err = do(t, `[{"write": "{obj}/a", "text": ""}, {"copy": "{obj}/a", "to": "{obj}/a"}]`)
	if err == nil || !strings.HasSuffix(err.Error(), "/obj/a: file exists") {
		t.Errorf("got %v, want the refusal to overwrite", err)
	}
}

// A program for TestRun: this test binary, told apart by its only argument.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && !strings.HasPrefix(os.Args[1], "-") {
		dir, _ := os.Getwd()
		result := strings.Join(append(os.Environ(), "in "+dir), "\n")
		if err := os.WriteFile(os.Args[1], []byte(result), 0o644); err != nil {
			panic(err)
		}
		os.Exit(len(os.Args[1]) % 2)
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	got, err := do(t, `[{"run": ["{self}", "even"], "dir": "{obj}"}]`)
	if err != nil {
		t.Fatal(err)
	}
	env := got["obj/even"]
	top, found := strings.CutPrefix(env[strings.LastIndex(env, "\n")+1:], "in ")
	top, found2 := strings.CutSuffix(top, "/obj")
	if !found || !found2 {
		t.Fatalf("got %q, want the directory obj", env)
	}
	check(t, got, map[string]string{
		"log":      "-rw-r--r-- ",
		"obj/even": "-rw-r--r-- A=1\nB=2\nPWD=" + top + "/obj\nTMPDIR=" + top + "\nin " + top + "/obj",
	})

	_, err = do(t, `[{"run": ["{self}", "odd"], "dir": "{src}"}]`)
	if err == nil || !strings.HasPrefix(err.Error(), "example.com/p: ") || !strings.Contains(err.Error(), `"odd"] in `) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line with package and arguments", err)
	}
}

func TestTry(t *testing.T) {
	steps := `[{"try": ["{self}", "PROGRAM"], "dir": "{obj}", "then": [{"write": "{obj}/then", "text": "{{"}], "else": [{"write": "{obj}/else", "text": "{src"}]}]`
	got, err := do(t, strings.Replace(strings.Replace(steps, "PROGRAM", "even", 1), "{src", "{src}", 1))
	if err != nil || got["obj/then"] != "-rw-r--r-- {" || got["obj/else"] != "" {
		t.Errorf("got %q, %v, want what is done after success", got, err)
	}
	// What isn't done isn't looked at.
	if _, err := do(t, strings.Replace(steps, "PROGRAM", "even", 1)); err != nil {
		t.Error(err)
	}
	if _, err := do(t, strings.Replace(steps, "PROGRAM", "odd", 1)); err == nil || err.Error() != `example.com/p: unpaired brace at "{src"` {
		t.Errorf("got %v, want an error of what is done after failure", err)
	}
	if _, err := do(t, strings.Replace(steps, `"{self}"`, `"/nowhere"`, 1)); err == nil {
		t.Error("a program that isn't there is no failure of its own")
	}
}

func TestFind(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, file := range []string{first + "/a", second + "/a", second + "/b"} {
		if err := os.WriteFile(file, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	j := job{Env: map[string]string{"PATH": first + ":" + second}}
	for program, want := range map[string]string{"a": first + "/a", "b": second + "/b", "./c": "./c", "/d": "/d"} {
		if got, err := j.find(program); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", program, got, err, want)
		}
	}
	want := "there is no program c in " + strconv.Quote(j.Env["PATH"])
	if _, err := j.find("c"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// doWhole builds a program of these packages, which is {o:c} and {o:a} together, and returns it.
func doWhole(t *testing.T, packages string) (string, error) {
	t.Helper()
	top := t.TempDir()
	attributes, err := json.Marshal(map[string]any{
		"label":    "binary p",
		"env":      map[string]string{},
		"packages": json.RawMessage(packages),
		"steps":    json.RawMessage(`[{"copy": "{o:c}", "to": "{bin}"}, {"pack": "{bin}", "add": ["{o:a}"]}]`),
		"tokens":   map[string]string{"sdk": "/sdk", "tool": "/tool", "bin": top + "/bin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := whole(attributes, top); err != nil {
		return "", err
	}
	content, err := os.ReadFile(filepath.Join(top, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content), nil
}

func TestWhole(t *testing.T) {
	packages := `{
		"a": {"src": "/a", "shown": "a/", "deps": [], "steps": [{"write": "{x}", "text": "x of {src} "}, {"write": "{o}", "text": "of a"}]},
		"b": {"src": "/r/b", "root": "/r", "shown": "b/", "deps": ["a"], "steps": [{"copy": "{x:a}", "to": "{x}"}, {"write": "{o}", "text": "{root}"}]},
		"c": {"src": "/c", "shown": "c/", "deps": ["b"], "steps": [{"copy": "{x:b}", "to": "{o}"}, {"write": "{x}", "text": "{sdk} {tool}"}]}
	}`
	for _, cores := range []string{"1", "2", "0", ""} {
		t.Setenv("NIX_BUILD_CORES", cores)
		got, err := doWhole(t, packages)
		if want := "x of /a o               0           0     0     644     4         `\nof a"; err != nil || got != want {
			t.Errorf("with %q cores: got %q, %v, want %q", cores, got, err, want)
		}
	}
}

func TestWholeFails(t *testing.T) {
	for packages, want := range map[string]string{
		// What needs a package that fails isn't built.
		`{"a": {"steps": [{"mkdir": "{nothing}"}]}, "c": {"deps": ["a"], "steps": [{"mkdir": "{neither}"}]}}`:                              "a: unknown token {nothing}",
		`{"a": {"steps": []}, "c": {"deps": ["a", "gone"], "steps": []}}`:                                                                  "c: needs gone, which isn't there",
		`{"a": {"steps": [{"write": "{o}", "text": ""}]}, "c": {"steps": [{"write": "{o}", "text": ""}, {"write": "{x:a}", "text": ""}]}}`: "c: unknown token {x:a}",
		`{"a": {"steps": [{"mkdir": "{root}"}]}}`:                                                                                          "a: unknown token {root}",
		`{"a": {"steps": []}}`: "binary p: unknown token {o:c}",
	} {
		if _, err := doWhole(t, packages); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestUnknownStepsAreRefused(t *testing.T) {
	for steps, want := range map[string]string{
		`[{"chmod": "x"}]`:         `example.com/p: steps: json: unknown field "chmod"`,
		`[{"dir": "x"}]`:           "example.com/p: empty step {Mkdir: Write: Text: Copy: To: Run:[] Dir:x Try:[] Then:[] Else:[] Pack: Add:[]}",
		`[{"mkdir": "{nothing}"}]`: "example.com/p: unknown token {nothing}",
	} {
		if _, err := do(t, steps); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// unpack makes a zip with these names and contents, in pairs, and unpacks it as the module m@v1.0.0.
func unpack(t *testing.T, h1 string, goroot bool, entries ...string) (map[string]string, error) {
	t.Helper()
	top := t.TempDir()
	archive, out := filepath.Join(top, "m.zip"), filepath.Join(top, "out")
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	writer := zip.NewWriter(file)
	for i := 0; i < len(entries); i += 2 {
		entry, err := writer.Create(entries[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(entries[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	attributes, err := json.Marshal(map[string]any{
		"zip": archive, "prefix": "m@v1.0.0", "h1": h1, "goroot": goroot, "outputs": map[string]string{"out": out},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = unzip(attributes)
	os.Remove(archive)
	return files(t, top), err
}

func TestUnzip(t *testing.T) {
	entries := []string{"m@v1.0.0/pkg/tool/os_arch/asm", "asm", "m@v1.0.0/go.mod", "module m\n", "m@v1.0.0/bin/go", "go", "m@v1.0.0/src/_go.mod", "module std\n"}
	// dirhash.Hash1 of the entries, computed apart from this code.
	const h1 = "h1:UBw3GbDbdf+NlqL51v2btrN7rlKQb/3X4qTTvwdKUeg="
	got, err := unpack(t, h1, false, entries...)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got, map[string]string{
		"out/go.mod":               "-rw-r--r-- module m\n",
		"out/bin/go":               "-rw-r--r-- go",
		"out/pkg/tool/os_arch/asm": "-rw-r--r-- asm",
		"out/src/_go.mod":          "-rw-r--r-- module std\n",
	})
	got, err = unpack(t, h1, true, entries...)
	if err != nil {
		t.Fatal(err)
	}
	check(t, got, map[string]string{
		"out/go.mod":               "-rw-r--r-- module m\n",
		"out/bin/go":               "-rwxr-xr-x go",
		"out/pkg/tool/os_arch/asm": "-rwxr-xr-x asm",
		"out/src/go.mod":           "-rw-r--r-- module std\n",
	})
	_, err = unpack(t, "h1:AAAA", false, entries...)
	if want := "m@v1.0.0: the files have hash " + h1 + ", but godirect.lock.json pins h1:AAAA"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnzipRefusesNamesOutsideTheModule(t *testing.T) {
	for _, name := range []string{
		"m@v1.0.0/../a", "m@v1.0.0/a/../../../b", "/m@v1.0.0/a", "m@v1.0.0/", "m@v1.0.0//a", "m@v1.0.0/./a", "m@v1.0.0/a//", "other@v1.0.0/a",
		"m@v1.0.0", `m@v1.0.0/..\a`, "m@v1.0.0/a\nb",
	} {
		got, err := unpack(t, "", false, name, "")
		if err == nil || !strings.HasSuffix(err.Error(), "not the name of a file in the module") || len(got) != 0 {
			t.Errorf("%q: got %v and %q, want a refusal", name, err, got)
		}
	}
	if _, err := unpack(t, "", false, "m@v1.0.0/a", "1", "m@v1.0.0/a", "2"); err == nil || !strings.HasSuffix(err.Error(), "out/a: file exists") {
		t.Errorf("got %v, want the refusal of a second file of the name", err)
	}
}
