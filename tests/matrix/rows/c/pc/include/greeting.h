#define TEXT(to) "hello, " #to
#define QUOTED(to) TEXT(to)
#define GREETING QUOTED(TO)
