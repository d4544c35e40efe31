//go:build !goexperiment.arenas

package main

const experiment = "no arenas"
