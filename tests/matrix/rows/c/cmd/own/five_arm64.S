#include "five.h"

.globl from_assembly
from_assembly:
	mov w0, #FIVE
	ret
.section .note.GNU-stack,"",@progbits
