int calc(int n);
int from_assembly(void);
