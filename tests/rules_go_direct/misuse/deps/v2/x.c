package deps

// int f(void);
