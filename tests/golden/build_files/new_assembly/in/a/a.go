package a

func f()
