//! Passwords in the file netrc.

/// A user's name and password.
pub(super) type Credentials = (String, String);

/// The machines of a netrc file.
#[derive(Default)]
pub(super) struct Netrc(Vec<(String, Credentials)>);

impl Netrc {
    /// The entries that have machine, login and password; those after `default` don't count
    /// (`cmd/go/internal/auth/netrc.go`).
    pub fn parse(text: &str) -> Netrc {
        let mut entries = Vec::new();
        let (mut machine, mut login, mut password) = (None, None, None);
        let mut in_macro = false;
        for line in text.lines() {
            if in_macro {
                in_macro = !line.trim().is_empty();
                continue;
            }
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "machine" => (machine, login, password) = (words.next(), None, None),
                    "login" => login = words.next(),
                    "password" => password = words.next(),
                    "default" => return Netrc(entries),
                    "macdef" => {
                        in_macro = true;
                        break;
                    }
                    _ => {}
                }
                if let (Some(host), Some(login), Some(password)) = (machine, login, password) {
                    entries.push((host.to_owned(), (login.to_owned(), password.to_owned())));
                    machine = None;
                }
            }
        }
        Netrc(entries)
    }

    /// The first entry for a host.
    pub fn get(&self, host: &str) -> Option<&Credentials> {
        self.0.iter().find(|(machine, _)| machine == host).map(|(_, credentials)| credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netrc_as_go_reads_it() {
        let text = "machine a.example login u password p\nmachine b.example\n  login v\n  password q\n\
                    macdef init\nmachine c.example login x password y\n\nmachine d.example login only\n\
                    machine e.example password r login w\ndefault login z password z\nmachine f.example login a password b\n";
        let netrc = Netrc::parse(text);
        let get = |host: &str| netrc.get(host).map(|(login, password)| format!("{login}:{password}"));
        assert_eq!(get("a.example").as_deref(), Some("u:p"));
        assert_eq!(get("b.example").as_deref(), Some("v:q"));
        assert_eq!(get("e.example").as_deref(), Some("w:r"));
        assert_eq!((get("c.example"), get("d.example"), get("f.example")), (None, None, None));
    }
}
