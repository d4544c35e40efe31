package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// member is a file of an archive.
type member struct{ name, file string }

// finish compiles what cgo has made, links all of it, and reads which symbols come from which shared libraries. Objects are those of the
// package's own files, in the order of the archive.
func (j *job) finish(f *flags, objects []string) error {
	if len(f.Stems) == 0 {
		return os.WriteFile(j.Members, nil, 0o666)
	}
	scratch, err := os.MkdirTemp(filepath.Dir(j.Members), "scratch")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	var members []member
	var linked []string
	add := func(file string) {
		members = append(members, member{fmt.Sprintf("_x%03d.o", len(linked)+1), file})
		linked = append(linked, file)
	}
	if f.PrefersExtLink {
		members = append(members, member{name: "preferlinkext"})
	}
	made := []string{"_cgo_export.c"}
	for _, stem := range f.Stems {
		made = append(made, stem+".cgo2.c")
	}
	for _, name := range append(made, "_cgo_main.c") {
		object := filepath.Join(scratch, name+".o")
		if err := j.compile(f, j.Made, name, object); err != nil {
			return err
		}
		if name != "_cgo_main.c" {
			add(object)
		}
	}
	for _, object := range objects {
		add(object)
	}
	program := filepath.Join(scratch, "_cgo_.o")
	if err := j.link(f, program, append([]string{filepath.Join(scratch, "_cgo_main.c.o")}, linked...)); err != nil {
		// Go's linker leaves the program to the C compiler then.
		members = append(members, member{name: "dynimportfail"})
	} else if err := j.readImports(f, program); err != nil {
		return err
	}
	return writeMembers(j.Members, members)
}

// link makes a program of all objects; why it fails is said when the real program is linked.
func (j *job) link(f *flags, out string, objects []string) error {
	c, err := j.compiler(j.hasCXX())
	if err != nil {
		return err
	}
	args := append(c.command(filepath.Join(here(), j.Made)), "-o", out)
	args = append(append(args, objects...), j.Syso...)
	command := exec.Command(program(c.path), append(args, dynimportFlags(f.LD)...)...)
	return command.Run()
}

// dynimportFlags are the linker's flags; some systems need a position independent program.
func dynimportFlags(flags []string) []string {
	if !(os.Getenv("GOOS") == "android" || os.Getenv("GOOS") == "linux" && os.Getenv("GOARCH") == "arm") {
		return flags
	}
	var out []string
	pie, noPie := false, false
	for _, flag := range flags {
		pie = pie || flag == "-pie"
		noPie = noPie || flag == "-no-pie"
	}
	for _, flag := range flags {
		if flag != "-static" || noPie && !pie {
			out = append(out, flag)
		}
	}
	if !noPie {
		out = append(out, "-pie")
	}
	return out
}

func (j *job) readImports(f *flags, linked string) error {
	args := []string{"-dynpackage", f.Name, "-dynimport", linked, "-dynout", filepath.Join(j.Imported, "_cgo_import.go")}
	if j.isRuntimeCgo() {
		args = append(args, "-dynlinker")
	}
	return j.output(exec.Command(program(j.Cgo), args...))
}

// writeMembers writes members of an archive of Go, without its beginning.
func writeMembers(out string, members []member) error {
	var archive bytes.Buffer
	for _, m := range members {
		var content []byte
		if m.file != "" {
			var err error
			if content, err = os.ReadFile(m.file); err != nil {
				return err
			}
		}
		fmt.Fprintf(&archive, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, 0, 0, 0, 0o644, len(content))
		archive.Write(content)
		if len(content)%2 != 0 {
			archive.WriteByte(0)
		}
	}
	return os.WriteFile(out, archive.Bytes(), 0o666)
}
