package main

// #include <answer.h>
// #include <math.h>
// static int f(void) { return answer() * TIMES + PLUS + (int)sqrt(0.0); }
import "C"

func answer() C.int { return C.f() }
