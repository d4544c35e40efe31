#include "textflag.h"
#include "go_asm.h"
#include "extra_arm64.h"

// func Add(a, b int64) int64
TEXT ·Add(SB), NOSPLIT, $0-24
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	SUM(R0, R1)
	MOVD $Pair__size, R2
	MOVD R1, ret+16(FP)
	RET
