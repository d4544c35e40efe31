#define SHARED 7
