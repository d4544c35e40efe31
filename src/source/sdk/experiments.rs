//! Runs `ParseGOEXPERIMENT` of `internal/buildcfg/exp.go` with an empty GOEXPERIMENT: a few statements over booleans.

use std::collections::BTreeMap;

use crate::platform::OsArch;
use crate::source::token::{Kind, Lexer, Token, unquote};

/// The error of everything here: the offset where the source stops to be understood.
type Result<T> = std::result::Result<T, usize>;

/// The flags that are on, lower case and sorted, when GOEXPERIMENT has these; a flag with `no` before it is to be off.
pub fn evaluate(content: &[u8], platform: OsArch, wanted: &[String]) -> Result<Vec<String>> {
    let mut lexer = Lexer::new(content);
    while !(lexer.next_significant().is_word("func") && lexer.peek_significant().is_word("ParseGOEXPERIMENT")) {
        if lexer.peek_significant().kind == Kind::End {
            return Err(content.len());
        }
    }
    // Past the signature: the body's brace follows the results' parentheses.
    let mut previous = lexer.next_significant();
    loop {
        let token = lexer.next_significant();
        match token.kind {
            Kind::End => return Err(token.start),
            _ if previous.is_operator(")") && token.is_operator("{") => break,
            _ => previous = token,
        }
    }
    let strings = BTreeMap::from([("goos", platform.goos), ("goarch", platform.goarch), ("goexp", "")]);
    let mut machine = Machine { lexer, strings, wanted, booleans: BTreeMap::new(), done: false };
    machine.statements()?;
    let on = machine.booleans.into_iter().filter_map(|(name, value)| value.then_some(name));
    let mut flags: Vec<String> = on.filter_map(|name| Some(name.strip_prefix("flags.")?.to_owned())).collect();
    flags.sort();
    Ok(flags)
}

struct Machine<'a> {
    lexer: Lexer<'a>,
    strings: BTreeMap<&'static str, &'static str>,
    /// What GOEXPERIMENT has.
    wanted: &'a [String],
    /// Local variables, and the fields of `flags` as `flags.name`, in lower case.
    booleans: BTreeMap<String, bool>,
    /// Whether a `return` was reached.
    done: bool,
}

impl<'a> Machine<'a> {
    fn next(&mut self) -> Token<'a> {
        self.lexer.next_significant()
    }

    fn peek(&self) -> Token<'a> {
        self.lexer.peek_significant()
    }

    fn expect(&mut self, operator: &str) -> Result<()> {
        let token = self.next();
        if token.is_operator(operator) { Ok(()) } else { Err(token.start) }
    }

    fn word(&mut self) -> Result<String> {
        let token = self.next();
        let text = std::str::from_utf8(token.text).ok().filter(|_| token.kind == Kind::Ident);
        text.map(str::to_owned).ok_or(token.start)
    }

    /// Whether `operator` comes next; consumes it.
    fn accept(&mut self, operator: &str) -> bool {
        let found = self.peek().is_operator(operator);
        if found {
            self.next();
        }
        found
    }

    /// Runs statements up to a closing brace, a `case` or `default`, which stay.
    fn statements(&mut self) -> Result<()> {
        while !self.done {
            let token = self.peek();
            if token.is_operator("}") || token.is_word("case") || token.is_word("default") {
                break;
            }
            match token.kind {
                Kind::Semicolon => {
                    self.next();
                }
                Kind::Ident => self.statement()?,
                _ => return Err(token.start),
            }
        }
        Ok(())
    }

    fn statement(&mut self) -> Result<()> {
        let start = self.peek().start;
        match self.word()?.as_str() {
            "return" => self.done = true,
            "var" => self.declaration()?,
            "switch" => self.switch()?,
            "if" => self.branch()?,
            word => self.assignment(word.to_owned(), start)?,
        }
        Ok(())
    }

    /// `var a, b bool`
    fn declaration(&mut self) -> Result<()> {
        loop {
            let name = self.word()?;
            self.booleans.insert(name, false);
            if !self.accept(",") {
                break;
            }
        }
        let token = self.next();
        if token.is_word("bool") { Ok(()) } else { Err(token.start) }
    }

    /// `switch goarch { case "amd64", "arm64": … default: … }`
    fn switch(&mut self) -> Result<()> {
        let value = self.string()?;
        self.expect("{")?;
        let mut taken = false;
        while !self.accept("}") {
            let token = self.next();
            let mut matches = token.is_word("default") && !taken;
            if token.is_word("case") {
                loop {
                    matches |= self.string()? == value;
                    if !self.accept(",") {
                        break;
                    }
                }
            } else if !token.is_word("default") {
                return Err(token.start);
            }
            self.expect(":")?;
            if matches && !taken {
                taken = true;
                self.statements()?;
                if self.done {
                    return Ok(());
                }
            } else {
                self.skip_statements()?;
            }
        }
        Ok(())
    }

    /// `if … { … }`, with `else` or without.
    fn branch(&mut self) -> Result<()> {
        let holds = self.expression()?;
        self.block(holds)?;
        if self.done || !self.peek().is_word("else") {
            return Ok(());
        }
        self.next();
        if !self.peek().is_word("if") {
            return self.block(!holds);
        }
        // A chain matters only if nothing in it was taken yet.
        if holds {
            return Err(self.peek().start);
        }
        self.next();
        self.branch()
    }

    fn block(&mut self, run: bool) -> Result<()> {
        self.expect("{")?;
        if run {
            self.statements()?;
        } else {
            self.skip_statements()?;
        }
        if self.done { Ok(()) } else { self.expect("}") }
    }

    /// `x := …`, `flags.X = …`, and the two composite literals that make up `flags`.
    fn assignment(&mut self, mut name: String, start: usize) -> Result<()> {
        if self.accept(".") {
            name = format!("{name}.{}", self.word()?.to_ascii_lowercase());
        }
        if !self.accept(":=") {
            self.expect("=")?;
        }
        match name.as_str() {
            "baseline" => self.baseline(),
            // Both of its fields are the baseline.
            "flags" => {
                while !self.accept("{") {
                    if self.next().kind == Kind::End {
                        return Err(start);
                    }
                }
                self.skip_statements()?;
                self.expect("}")?;
                // What follows in the source reads GOEXPERIMENT, by loops over strings; here its flags are known.
                for flag in self.wanted {
                    let (name, value) = flag.strip_prefix("no").map_or((flag.as_str(), true), |name| (name, false));
                    self.booleans.insert(format!("flags.{name}"), value);
                }
                Ok(())
            }
            _ => {
                let value = self.expression()?;
                self.booleans.insert(name, value);
                Ok(())
            }
        }
    }

    /// `goexperiment.Flags{Name: …, }`, which is where `flags` begins.
    fn baseline(&mut self) -> Result<()> {
        for wanted in ["goexperiment", "Flags"] {
            let token = self.next();
            if !token.is_word(wanted) {
                return Err(token.start);
            }
            self.expect(if wanted == "Flags" { "{" } else { "." })?;
        }
        while !self.accept("}") {
            let field = self.word()?;
            self.expect(":")?;
            let value = self.expression()?;
            self.booleans.insert(format!("flags.{}", field.to_ascii_lowercase()), value);
            if !self.accept(",") && !self.peek().is_operator("}") {
                return Err(self.peek().start);
            }
        }
        Ok(())
    }

    /// Skips to the end of a block or clause, whatever stands there.
    fn skip_statements(&mut self) -> Result<()> {
        let mut depth = 0;
        loop {
            let token = self.peek();
            let clause = token.is_word("case") || token.is_word("default");
            if depth == 0 && (clause || token.is_operator("}")) {
                return Ok(());
            }
            if token.kind == Kind::End {
                return Err(token.start);
            }
            depth += usize::from(token.is_operator("{"));
            depth -= usize::from(token.is_operator("}"));
            self.next();
        }
    }

    fn expression(&mut self) -> Result<bool> {
        let mut value = self.conjunction()?;
        while self.accept("||") {
            value |= self.conjunction()?;
        }
        Ok(value)
    }

    fn conjunction(&mut self) -> Result<bool> {
        let mut value = self.operand()?;
        while self.accept("&&") {
            value &= self.operand()?;
        }
        Ok(value)
    }

    fn operand(&mut self) -> Result<bool> {
        if self.accept("!") {
            return Ok(!self.operand()?);
        }
        if self.accept("(") {
            let value = self.expression()?;
            self.expect(")")?;
            return Ok(value);
        }
        let start = self.peek().start;
        let is_string = std::str::from_utf8(self.peek().text).is_ok_and(|name| self.strings.contains_key(name));
        if is_string {
            let left = self.string()?;
            let operator = self.next();
            let equal = left == self.string()?;
            return match operator.text {
                b"==" => Ok(equal),
                b"!=" => Ok(!equal),
                _ => Err(operator.start),
            };
        }
        let mut name = self.word()?;
        if self.accept(".") {
            name = format!("{name}.{}", self.word()?.to_ascii_lowercase());
        }
        match name.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            // A field of the zero value that no literal set.
            field if field.starts_with("flags.") => Ok(self.booleans.get(field).copied().unwrap_or(false)),
            local => self.booleans.get(local).copied().ok_or(start),
        }
    }

    /// A string literal, or one of the parameters.
    fn string(&mut self) -> Result<String> {
        let token = self.next();
        let text = match token.kind {
            Kind::String => unquote(token.text).and_then(|bytes| String::from_utf8(bytes).ok()),
            _ => std::str::from_utf8(token.text).ok().and_then(|n| self.strings.get(n)).map(|s| (*s).to_owned()),
        };
        text.ok_or(token.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(body: &str, platform: &str) -> Result<String> {
        run_with(body, platform, &[])
    }

    fn run_with(body: &str, platform: &str, wanted: &[&str]) -> Result<String> {
        let wanted: Vec<String> = wanted.iter().map(|flag| (*flag).to_owned()).collect();
        let content =
            format!("package buildcfg\n\nfunc ParseGOEXPERIMENT(goos, goarch, goexp string) (*E, error) {{\n{body}\n}}\n");
        evaluate(content.as_bytes(), platform.parse().unwrap(), &wanted).map(|flags| flags.join(" "))
    }

    const BODY: &str = r#"
	var regabiSupported, regabiAlwaysOn bool
	switch goarch {
	case "amd64", "arm64":
		regabiAlwaysOn = true
		regabiSupported = true
	default:
		other = true
	}
	// A comment.
	dwarf5Supported := (goos != "darwin" && goos != "ios")
	baseline := goexperiment.Flags{
		RegabiWrappers: regabiSupported,
		Dwarf5:         dwarf5Supported,
		GreenTeaGC:     true,
	}
	flags := &ExperimentFlags{
		Flags:    baseline,
		baseline: baseline,
	}
	if goexp != "" {
		for f := range x { names["a"] = func(v bool) { flags.A = v } }
	}
	if regabiAlwaysOn {
		flags.RegabiArgs = true
	}
	if !regabiSupported {
		flags.RegabiWrappers = false
	} else {
		flags.B = goarch == "arm64"
	}
	if flags.RegabiArgs && !flags.RegabiWrappers {
		return nil, fmt.Errorf("x")
	}
	return flags, nil"#;

    #[test]
    fn runs_the_shapes_of_known_versions() {
        assert_eq!(run(BODY, "linux/amd64").unwrap(), "dwarf5 greenteagc regabiargs regabiwrappers");
        assert_eq!(run(BODY, "darwin/arm64").unwrap(), "b greenteagc regabiargs regabiwrappers");
        assert_eq!(run(BODY, "js/wasm").unwrap(), "dwarf5 greenteagc");
    }

    /// What the source decides after it has read GOEXPERIMENT has the last word.
    #[test]
    fn wanted_flags_change_the_baseline() {
        let wanted = ["arenas", "nogreenteagc", "noregabiargs"];
        assert_eq!(run_with(BODY, "linux/amd64", &wanted).unwrap(), "arenas dwarf5 regabiargs regabiwrappers");
        assert_eq!(run_with(BODY, "js/wasm", &["regabiwrappers"]).unwrap(), "dwarf5 greenteagc");
    }

    #[test]
    fn unknown_shapes_have_a_place() {
        for (body, at) in [("x := f()", "f()"), ("for {}", "{}"), ("if x.y() {}", "x.y"), ("var a string", "string")] {
            let offset = run(body, "linux/amd64").unwrap_err();
            let prefix = "package buildcfg\n\nfunc ParseGOEXPERIMENT(goos, goarch, goexp string) (*E, error) {\n".len();
            assert_eq!(&body[offset - prefix..][..1], &at[..1], "{body}");
        }
        assert!(evaluate(b"package x", "linux/amd64".parse().unwrap(), &[]).is_err());
    }
}
