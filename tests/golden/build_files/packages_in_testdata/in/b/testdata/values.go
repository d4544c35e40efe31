package testdata

const Value = 1
