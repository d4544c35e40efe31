//go:build go1.27

package main

// Since Go 1.27 errors have marks, and bytes that look like marks are escaped.
const marksErrors = true
