#include "textflag.h"
#include "own.h"
#include "../shared/defs.h"

TEXT ·Add(SB), NOSPLIT, $0-24
	MOVQ a+0(FP), AX
	ADDQ b+8(FP), AX
	ADDQ $OWN, AX
	SUBQ $SHARED, AX
	MOVQ AX, ret+16(FP)
	RET
