package plat

func Name() string { return name }
