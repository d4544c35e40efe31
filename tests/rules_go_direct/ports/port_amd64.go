package main

func port() string { return "an amd64" }
