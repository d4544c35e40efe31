//! Passwords in the file netrc (`cmd/go/internal/auth/netrc.go`).

/// A machine with the user's name and password there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login<'a> {
    pub machine: &'a str,
    pub login: &'a str,
    pub password: &'a str,
}

/// The entries that have machine, login and password. As Go does it, lines are read in pairs of words, and those after `default`
/// count too.
pub(super) fn parse(text: &str) -> Vec<Login<'_>> {
    let mut entries = Vec::new();
    let (mut machine, mut login, mut password) = ("", "", "");
    let mut in_macro = false;
    for line in text.split('\n') {
        if in_macro {
            in_macro = !line.is_empty();
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.chunks_exact(2) {
            match pair[0] {
                "machine" => (machine, login, password) = (pair[1], "", ""),
                "login" => login = pair[1],
                "password" => password = pair[1],
                "macdef" => in_macro = true,
                _ => {}
            }
            if !machine.is_empty() && !login.is_empty() && !password.is_empty() {
                entries.push(Login { machine, login, password });
                (machine, login, password) = ("", "", "");
            }
        }
        if words.len() % 2 == 1 && words.last() == Some(&"default") {
            break;
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_as_go_reads_them() {
        let text = "machine a.example login u password p\nmachine b.example\n  login v\n  password q\n\
                    macdef init\nmachine c.example login x password y\n\nmachine d.example login only\n\
                    machine e.example password r login w\ndefault login z password z\nmachine f.example login a password b\n\
                    default\nmachine g.example login a password b\n";
        let found: Vec<String> = parse(text).iter().map(|l| format!("{} {}:{}", l.machine, l.login, l.password)).collect();
        assert_eq!(found, ["a.example u:p", "b.example v:q", "e.example w:r", "f.example a:b"]);
    }
}
