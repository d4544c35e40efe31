#define SUM(a, b) ADDQ a, b
