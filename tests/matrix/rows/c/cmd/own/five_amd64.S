#include "five.h"

.globl from_assembly
from_assembly:
	movl $FIVE, %eax
	ret
.section .note.GNU-stack,"",@progbits
