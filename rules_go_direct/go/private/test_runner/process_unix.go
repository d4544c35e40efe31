//go:build unix

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long a program may take to show where it is.
const grace = 5 * time.Second

// replace lets the program take the place of this one.
func replace(program string, arguments []string) (int, error) {
	return 0, syscall.Exec(program, append([]string{program}, arguments...), os.Environ())
}

// start starts the program in a process group of its own, so that a signal for this one's group doesn't reach it: SIGTERM, with which Bazel
// ends a test that takes too long, becomes SIGQUIT, upon which programs of Go show the stacks of all goroutines.
func start(command *exec.Cmd) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		<-signals
		command.Process.Signal(syscall.SIGQUIT)
		time.Sleep(grace)
		syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
	}()
	return nil
}
