#include "shared.h"
#include "scale.h"
#include "../include/shared.h"

int value(void) { return SHARED * 2; }
