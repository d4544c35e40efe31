#include "textflag.h"
#include "go_asm.h"
#include "extra_amd64.h"

// func Add(a, b int64) int64
TEXT ·Add(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	MOVQ b+8(FP), BX
	SUM(AX, BX)
	MOVQ $Pair__size, CX
	MOVQ BX, ret+16(FP)
	RET
