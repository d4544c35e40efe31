use super::*;

fn tokens(text: &str) -> String {
    let mut lexer = Lexer::new(text.as_bytes());
    let mut shown = Vec::new();
    loop {
        let token = lexer.next_token();
        match token.kind {
            Kind::End => return shown.join(" "),
            Kind::Semicolon if token.text.is_empty() => shown.push(";auto".to_owned()),
            Kind::Illegal => shown.push(format!("?{}", String::from_utf8_lossy(token.text))),
            _ => shown.push(String::from_utf8_lossy(token.text).into_owned()),
        }
    }
}

#[test]
fn semicolons_stand_where_lines_end_statements() {
    assert_eq!(tokens("package x\nimport (\n\"a\"\n)\n"), "package x ;auto import ( \"a\" ;auto ) ;auto");
    assert_eq!(tokens("x /* a\nb */ y"), "x /* a\nb */ ;auto y ;auto");
    assert_eq!(tokens("return\nif a {\n}"), "return ;auto if a { } ;auto");
    assert_eq!(tokens("a := b != c && !d // e\r\n"), "a := b != c && ! d // e ;auto");
}

#[test]
fn literals_hide_what_looks_like_a_comment() {
    assert_eq!(tokens("`//` \"/*\" '\"' '\\'' 0x1p-2 1e+9 0xe+1"), "`//` \"/*\" '\"' '\\'' 0x1p-2 1e+9 0xe + 1 ;auto");
    assert_eq!(tokens("\"a\n`b"), "\"a ;auto `b ;auto");
}

#[test]
fn unquotes_as_strconv_does() {
    for (literal, value) in [
        (r#""fm\u0074""#, Some("fmt")),
        (r#""\x66\155\U00000074""#, Some("fmt")),
        ("`a\r\\n`", Some("a\\n")),
        (r#""\q""#, None),
        (r#""\400""#, None),
        (r#""\x+1""#, None),
        ("\"", None),
        ("'a'", None),
    ] {
        assert_eq!(unquote(literal.as_bytes()), value.map(|v| v.as_bytes().to_vec()), "{literal}");
    }
}
