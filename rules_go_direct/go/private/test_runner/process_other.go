//go:build !unix

package main

import (
	"errors"
	"os"
	"os/exec"
)

// replace runs the program in the place of this one, as far as that can be had.
func replace(program string, arguments []string) (int, error) {
	command := exec.Command(program, arguments...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

func start(command *exec.Cmd) error {
	return command.Start()
}
