//! What pkg-config prints: no text makes the parser panic, and words that it finds can be quoted again.

use godirect::exec::pkg_config;

pub fn run(data: &[u8]) {
    if let Ok(words) = pkg_config::split(super::text(data)) {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        assert_eq!(pkg_config::split(&quoted.join(" ")), Ok(words));
    }
}
