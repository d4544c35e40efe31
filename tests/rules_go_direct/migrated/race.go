package main

const race = false
