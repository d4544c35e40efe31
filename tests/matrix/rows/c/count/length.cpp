#include "length.h"
#include <map>
#include <string>

namespace {
// A constructor that runs before main.
struct Count {
    std::map<std::string, int> seen;
    Count() { seen["hello"] = 1; }
} count;
}

int length(const char *s) {
    count.seen[s]++;
    return static_cast<int>(std::string(s).size()) + count.seen[s];
}
