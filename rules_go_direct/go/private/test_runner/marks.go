//go:build !go1.27

package main

const marksErrors = false
