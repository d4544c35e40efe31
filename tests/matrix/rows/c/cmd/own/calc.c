#include "calc.h"
#include "_cgo_export.h"
#include "shared.h"

int calc(int n) { return successor(n) * ANSWER + SHARED + from_assembly(); }
