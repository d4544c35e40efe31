#include HEADER

int main(void) { return Sum(40, 2) == 42 ? 0 : 1; }
