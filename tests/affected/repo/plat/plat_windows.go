package plat

const name = "windows"
