package main

import (
	"regexp"
	"strings"
)

// list says which flags a package may give: what a flag such as `-fplugin=` names would be run by the compiler. It follows
// cmd/go/internal/work/security.go of Go 1.27.
type list struct {
	whole        *regexp.Regexp
	withArgument map[string]bool
	never        string
}

func newList(withArgument, never string, patterns ...[]string) *list {
	l := &list{never: never, withArgument: map[string]bool{}}
	for _, flag := range strings.Fields(withArgument) {
		l.withArgument[flag] = true
	}
	l.whole = regexp.MustCompile("^(?:" + strings.Join(join(patterns...), "|") + ")$")
	return l
}

// shared are for compilers and linkers.
var shared = []string{
	`-F([^@\-].*)`,
	`-O([^@\-].*)?`,
	`-f(no-)?(pic|PIC|pie|PIE)`,
	`-f(no-)?openmp(-simd)?`,
	`-g([^@\-].*)?`,
	`-m(abi|arch|cpu|fpu|simd|tls-dialect|tune)=([^@\-].*)`,
	`-mcmodel=[0-9a-z-]+`,
	`-mfloat-abi=([^@\-].*)`,
	`-m(soft|single|double)-float`,
	`-m(no-)?(relax|strict-align|lsx|lasx|frecipe|div32|lam-bh|lamcas|ld-seq-sa)`,
	`-mmacosx-(.+)`,
	`-m(ios-simulator|iphoneos)-version-min=(.+)`,
	`-m(threads|windows)`,
	`-pthread`,
	`-?-stdlib=([^@\-].*)`,
	`-v`,
}

// compilerOnly are for compilers.
var compilerOnly = []string{
	`-D([A-Za-z_][A-Za-z0-9_]*)(=[^@\-]*)?`,
	`-U([A-Za-z_][A-Za-z0-9_]*)`,
	`-I([^@\-].*)`,
	`-W([^@,]+)?`,
	`-Wa,-mbig-obj`,
	`-Wp,-D([A-Za-z_][A-Za-z0-9_]*)(=[^@,\-]*)?`,
	`-Wp,-U([A-Za-z_][A-Za-z0-9_]*)`,
	`-ansi`,
	`-f(no-)?(asynchronous-unwind-tables|blocks|common|constant-cfstrings|eliminate-unused-debug-types|exceptions)`,
	`-f(no-)?(fast-math|inline-functions|fat-lto-objects|keep-inline-dllexport|lto|modules|objc-arc)`,
	`-f(no-)?(objc-nonfragile-abi|objc-legacy-dispatch|omit-frame-pointer|permissive|plt|rtti|split-stack)`,
	`-f(no-)?(strict-aliasing|use-linker-plugin|visibility-inlines-hidden)`,
	`-f(no-)?stack-(.+)`,
	`-fno-(builtin-[a-zA-Z0-9_]*|canonical-system-headers)`,
	`-f(debug|file)-prefix-map=([^@]+)=([^@]+)`,
	`-fdiagnostics-show-note-include-stack`,
	`-finput-charset=([^@\-].*)`,
	`-f(macro-backtrace-limit|message-length|sanitize|visibility)=(.+)`,
	`-funsigned-char`,
	`-fsanitize-undefined-strip-path-components=(-)?[0-9]+`,
	`-ftemplate-depth-(.+)`,
	`-ftls-model=(global-dynamic|local-dynamic|initial-exec|local-exec)`,
	`-m(32|64|arm|nop-fun-dllimport)`,
	`-m(no-)?(v?aes|ms-bitfields|ssse3|stack-(.+)|avx[0-9a-z.]*|sse[0-9.]*)`,
	`-mfpmath=[0-9a-z,+]*`,
	`-mlarge-data-threshold=[0-9]+`,
	`-m(tvos|watchos)(-simulator)?-version-min=(.+)`,
	`-mthumb(-interwork)?`,
	`-no-canonical-prefixes`,
	`--param=ssp-buffer-size=[0-9]*`,
	`-pedantic(-errors)?`,
	`-pipe`,
	`--static`,
	`-?-std=([^@\-].*)`,
	`--sysroot=([^@\-].*)`,
	`-w`,
	`-x([^@\-].*)`,
}

// linkerOnly are for linkers: `-Wl,` hands on all that follows, so nothing in it may have a comma that isn't spelled out.
var linkerOnly = []string{
	`-[lL]([^@\-].*)`,
	`-fsanitize=([^@\-].*)`,
	`-(flat_namespace|headerpad_max_install_names|pic|PIC|pie|PIE|rdynamic|shared)`,
	`-?-static([-a-z0-9+]*)`,
	`-Wl,--(no-)?(allow-multiple-definition|allow-shlib-undefined|as-needed|export-dynamic)`,
	`-Wl,-(Bdynamic|Bstatic|Bsymbolic-functions|berok|d[ny]|E|headerpad_max_install_names|O[0-9]+|s|search_paths_first)`,
	`-Wl,--(disable|enable)-new-dtags`,
	`-Wl,--(start-group|end-group|no-undefined|pop-state|push-state)`,
	`-Wl,-e[=,][a-zA-Z0-9]+`,
	`-Wl,-framework,[^,@\-][^,]*`,
	`-Wl,--hash-style=(sysv|gnu|both)`,
	`-Wl,-R,?([^@\-,][^,@]*)`,
	`-Wl,--just-symbols[=,]([^,@\-][^,@]*)`,
	`-Wl,-rpath(-link)?[=,]([^,@\-][^,]*)`,
	`-Wl,-sectcreate(,([^,@\-][^,]*)){3}`,
	`-Wl,-?-static`,
	`-Wl,-?-subsystem,(native|windows|console|posix|xbox)`,
	`-Wl,-(syslibroot|undefined)[=,]([^,@\-][^,]*)`,
	`-Wl,-?-unresolved-symbols=[^,]+`,
	`-Wl,--(no-)?warn-([^,]+)`,
	`-Wl,-?-wrap[=,][^,@\-][^,]*`,
	`-Wl(,-z,(relro|now|(no)?execstack))+`,
	`(\./|[a-zA-Z0-9_/]).*\.(a|o|dll|dylib|so|tbd)`,
}

var (
	compilerFlags = newList("-arch -D -U -I -F -framework -include -isysroot -isystem --sysroot -target -x", "", shared, compilerOnly)
	linkerFlags   = newList("-arch -F -l -L -framework -isysroot --sysroot -target -Wl,-framework -Wl,-rpath -Wl,-R -Wl,--just-symbols -Wl,-undefined",
		"-lto_library", shared, linkerOnly)
)

// refused is the first flag that isn't let through, with its argument where that is to blame (checkFlags).
func (l *list) refused(flags []string) string {
	for i := 0; i < len(flags); i++ {
		flag := flags[i]
		switch {
		case flag == "" && l == compilerFlags:
		case flag == "" || flag == l.never:
			return flag + " "
		case l.whole.MatchString(flag) || l.isState(flag):
		case !l.withArgument[flag]:
			return flag
		case i+1 == len(flags):
			return flag + " without argument"
		case !isArgument(flag, flags[i+1]):
			return flag + " " + flags[i+1]
		default:
			i++
		}
	}
	return ""
}

// isState tells whether a flag is `-Wl,--push-state,--as-needed` or its like: several flags of the linker in one.
func (l *list) isState(flag string) bool {
	rest, ok := strings.CutPrefix(flag, "-Wl,--push-state,")
	if !ok {
		return false
	}
	for _, part := range strings.Split(rest, ",") {
		if !l.whole.MatchString("-Wl," + part) {
			return false
		}
	}
	return true
}

// isSafe tells whether a word can't be taken for a flag (load.SafeArg).
func isSafe(word string) bool {
	if word == "" {
		return false
	}
	c := word[0]
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '.' || c == '_' || c == '/' || c >= 0x80
}

// isArgument tells whether a flag may have an argument: `-I dir`, `-Wl,-framework -Wl,name`, `-I =dir`, `-I $SYSROOTdir`.
func isArgument(flag, argument string) bool {
	if isSafe(argument) {
		return true
	}
	if rest, ok := strings.CutPrefix(argument, "-Wl,"); ok && strings.HasPrefix(flag, "-Wl,") {
		return isSafe(rest) && !strings.Contains(rest, ",")
	}
	rest, ok := strings.CutPrefix(argument, "=")
	return flag == "-I" && (strings.HasPrefix(argument, "$SYSROOT") || ok && isSafe(rest))
}

// compilerFits tells whether Go's own linker can do without the C compiler's after these flags (checkCompilerFlagsForInternalLink).
func compilerFits(flags []string, minor int) bool {
	for _, flag := range flags {
		if strings.HasPrefix(flag, "-flto") || minor >= 27 && (flag == "-static" || flag == "--static") {
			return false
		}
	}
	return compilerFlags.refused(flags) == ""
}

// linkerFits is the same for the linker's flags (checkLinkerFlagsForInternalLink, since Go 1.27).
func linkerFits(flags []string, minor int) bool {
	if minor < 27 {
		return true
	}
	for _, flag := range flags {
		switch flag {
		case "-static", "--static", "-Wl,-static", "-Wl,--static", "-Wl,-Bstatic":
			return false
		}
	}
	return linkerFlags.refused(flags) == ""
}
