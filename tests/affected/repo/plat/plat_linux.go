package plat

const name = "linux"
