#ifdef __cplusplus
extern "C" {
#endif
int length(const char *s);
#ifdef __cplusplus
}
#endif
