#define SUM(a, b) ADD a, b
