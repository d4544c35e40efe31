package mixed

var hidden = 1

func Hidden() int { return hidden }
