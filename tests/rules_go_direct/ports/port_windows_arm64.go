package main

import "golang.org/x/sys/windows"

func port() string {
	version, _ := windows.GetVersion()
	return string(rune(version))
}
