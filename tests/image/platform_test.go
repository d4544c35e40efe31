package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPlatformOf(t *testing.T) {
	for settings, want := range map[string]string{
		"GOARCH=amd64 GOAMD64=v1":           "linux/amd64",
		"GOARCH=amd64 GOAMD64=v3":           "linux/amd64/v3",
		"GOARCH=arm64 GOARM64=v8.0":         "linux/arm64/v8",
		"GOARCH=arm64 GOARM64=v8.2,lse":     "linux/arm64/v8",
		"GOARCH=arm64 GOARM64=v9.0":         "linux/arm64/v9",
		"GOARCH=arm64":                      "linux/arm64/v8", // before Go 1.23
		"GOARCH=arm GOARM=7":                "linux/arm/v7",
		"GOARCH=arm GOARM=6,softfloat":      "linux/arm/v6",
		"GOARCH=386 GO386=sse2":             "linux/386",
		"GOARCH=ppc64le GOPPC64=power9":     "linux/ppc64le",
		"GOARCH=riscv64 GORISCV64=rva20u64": "linux/riscv64",
		"GOARCH=s390x":                      "linux/s390x",
	} {
		all := map[string]string{"GOOS": "linux"}
		for _, setting := range strings.Fields(settings) {
			name, value, _ := strings.Cut(setting, "=")
			all[name] = value
		}
		if got := platformOf(all).String(); got != want {
			t.Errorf("%s: %s, want %s", settings, got, want)
		}
	}
}

func TestArchiveHasDirectoriesBeforeWhatIsInThem(t *testing.T) {
	one, err := archive(map[string]file{"a/b/c": {mode: 0o644, content: []byte("c")}, "a-b": {mode: 0o644}, "a/": {mode: 0o1777}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for at := 0; at+512 <= len(one); at += 512 {
		header := string(one[at : at+512])
		if strings.HasPrefix(header[257:], "ustar") {
			names = append(names, strings.TrimRight(header[:100], "\x00")+" "+strings.TrimRight(header[100:108], "\x00"))
		}
	}
	if got, want := strings.Join(names, ", "), "a-b 0000644, a/ 0001777, a/b/ 0000755, a/b/c 0000644"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestExecutablesThatToolsCannotTellApart(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := readExecutable(self)
	if err != nil {
		t.Fatal(err)
	}
	o := order{out: filepath.Join(t.TempDir(), "out"), name: "x:latest", program: "x", executables: []string{self, self}}
	want := self + " and " + self + " are both for " + p.String() + ", as container tools call it"
	if err := o.write(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	o.executables = []string{os.Args[0] + ".go"}
	if err := o.write(); !os.IsNotExist(err) {
		t.Errorf("%v, want a file that isn't there", err)
	}
}
