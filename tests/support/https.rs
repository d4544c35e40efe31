//! Loopback servers with TLS, and a forward proxy.
//!
//! `loopback.crt` and `loopback.key` are made by
//! `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=godirect tests"
//! -addext "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:a.example,DNS:b.example" -addext "basicConstraints=critical,CA:FALSE"`.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::loopback::{Loopback, Seen, read};
use crate::support::repository;

/// The file that clients must trust.
pub fn certificate() -> String {
    repository("tests/support/loopback.crt").display().to_string()
}

fn config() -> Arc<ServerConfig> {
    let certificates = vec![CertificateDer::from_pem_file(certificate()).unwrap()];
    let key = PrivateKeyDer::from_pem_file(repository("tests/support/loopback.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(certificates, key).unwrap())
}

/// As [`Loopback::start`], with TLS; the URL begins with `https://127.0.0.1:`.
pub fn start(answer: impl Fn(&Seen, usize, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static) -> Loopback {
    let config = config();
    let mut server = Loopback::serve(move |stream, note| {
        let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).map_err(io::Error::other)?, stream);
        let request = read(&mut tls)?;
        let before = note(&request);
        answer(&request, before, &mut tls)?;
        tls.conn.send_close_notify();
        tls.flush()
    });
    server.url = server.url.replace("http://", "https://");
    server
}

/// A forward proxy, which takes every host for this server.
pub fn forward(upstream: &Loopback) -> Loopback {
    let upstream = upstream.url.rsplit('/').next().unwrap().to_owned();
    Loopback::serve(move |mut client, note| {
        let request = read(client.try_clone()?)?;
        note(&request);
        let mut server = TcpStream::connect(&upstream)?;
        if request.method == "CONNECT" {
            client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
            std::thread::spawn(move || {
                let _ = io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        } else {
            let path = request.target.splitn(4, '/').nth(3).unwrap_or("");
            write!(server, "GET /{path} HTTP/1.1\r\nConnection: close\r\n")?;
            for (name, value) in request.headers.iter().filter(|(name, _)| !name.starts_with("proxy-")) {
                write!(server, "{name}: {value}\r\n")?;
            }
            server.write_all(b"\r\n")?;
        }
        io::copy(&mut server, &mut client)?;
        client.shutdown(Shutdown::Both)
    })
}
