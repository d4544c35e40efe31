//! Lists of module proxies, and what comes through them.

use std::net::TcpListener;

use godirect::error::Class;

use crate::support::*;

#[test]
fn what_the_proxy_has_not() {
    let server = Server::start(Files::new());
    let url = &server.url;
    let env = Env::new(url);
    assert_eq!(
        fetch(&env, OTHER_HASH).unwrap_err().to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {url}/a.example/m/@v/v1.0.0.zip: 404 Not Found: not found: no such module \
             (check the path and version in go.mod, and GOPROXY)"
        )
    );
    assert_eq!(server.requests(), 1, "404 is final");
    assert_eq!(
        fetch(&Env::new(&format!("{url},direct")), OTHER_HASH).unwrap_err().to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: the module proxy has it not \
             ({url}/a.example/m/@v/v1.0.0.zip: 404 Not Found: not found: no such module), and what is left is `direct`: \
             godirect does not fetch from version control \
             (use a module proxy that has the module, or `replace` it by a local directory)"
        )
    );
    assert_eq!(
        fetch(&Env::new("off"), OTHER_HASH).unwrap_err().to_string(),
        "failed to fetch a.example/m@v1.0.0: module lookup disabled by GOPROXY=off \
         (it is not in the cache: set GOPROXY to a module proxy)"
    );
}

#[test]
fn the_next_proxy_is_asked_as_the_separator_says() {
    let good = serve_zip(zip_of(&GOOD));
    let hash = h1_of(&GOOD).to_string();
    let empty = Server::start(Files::new());
    fetch(&Env::new(&format!("{},{}", empty.url, good.url)), &hash).unwrap();
    let broken = || Server::start(Files::from([("a.example/m/@v/v1.0.0.zip".to_owned(), (503, b"down".to_vec()))]));
    let (comma, pipe) = (broken(), broken());
    fetch(&Env::new(&format!("{}|{}", pipe.url, good.url)), &hash).unwrap();
    assert_eq!(
        fetch(&Env::new(&format!("{},{}", comma.url, good.url)), &hash).unwrap_err().to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {}/a.example/m/@v/v1.0.0.zip: 503 Service Unavailable: down \
             (check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)",
            comma.url
        )
    );
    assert_eq!(comma.requests(), 3, "a failing server is asked again");
}

#[test]
fn no_network() {
    // A port that was just free.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let env = Env::new(&format!("http://127.0.0.1:{port}"));
    let error = fetch(&env, OTHER_HASH).unwrap_err();
    assert_eq!(error.class(), Class::Environment);
    assert_eq!(
        error.to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: http://127.0.0.1:{port}/a.example/m/@v/v1.0.0.zip: \
             Connection refused (os error 111) \
             (check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)"
        )
    );
}

/// Go doesn't send them either (`web.get`).
#[test]
fn passwords_need_https() {
    let server = serve_zip(zip_of(&GOOD));
    let error = fetch(&Env::new(&server.url.replace("http://", "http://user:secret@")), OTHER_HASH).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {}/a.example/m/@v/v1.0.0.zip: user and password are not sent without https \
             (check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)",
            server.url
        )
    );
    assert_eq!(server.requests(), 0);
}

#[test]
fn file_proxies() {
    let env = Env::new("off");
    let directory = env.path().join("proxy/a.example/m/@v");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("v1.0.0.zip"), zip_of(&GOOD)).unwrap();
    let url = format!("file://{}", env.path().join("proxy").display());
    fetch(&Env::new(&url), &h1_of(&GOOD).to_string()).unwrap();
}

#[test]
fn private_modules_are_not_told_to_the_proxy() {
    let server = serve_zip(zip_of(&GOOD));
    let env = Env::of(&GoEnv { goproxy: server.url.clone(), gonoproxy: "*.example".to_owned(), ..GoEnv::default() });
    assert_eq!(
        fetch(&env, OTHER_HASH).unwrap_err().to_string(),
        "failed to fetch a.example/m@v1.0.0: GONOPROXY or GOPRIVATE keeps it from the module proxy: \
         godirect does not fetch from version control \
         (use a module proxy that has the module, or `replace` it by a local directory)"
    );
    assert_eq!(server.requests(), 0);
}
