//! A server for remote execution: Debian's buildbox, which runs actions on this machine, each in a directory with its inputs only.
//! What it answers comes through a proxy, since Debian's Bazel knows version 2.0 of the API only, and buildbox wants 2.1: it has all
//! that 2.0 has.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use super::engines::provisioned;

/// Ends, with all that it has started, when it is dropped, or when the test is killed. What it has stored is deleted.
pub struct Server {
    /// For `--remote_executor`.
    pub url: String,
    process: Child,
    directory: tempfile::TempDir,
}

impl Server {
    /// Starts a server that knows nothing yet, on a port of its own.
    pub fn start() -> Server {
        let programs = provisioned("reapi.sh");
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(programs.join("buildbox-casd"));
        command.arg(format!("--bind=unix:{}", socket.display()));
        command.arg(format!("--buildbox-run={}", programs.join("buildbox-run-hosttools").display()));
        // With several at once, one may start while the copy of its program is still open for another: "Text file busy".
        command.arg("--jobs=1");
        // What it starts is in the same group of processes.
        let process = command.arg(directory.path().join("store")).process_group(0).spawn().unwrap();
        let mut server = Server { url: String::new(), process, directory };
        server.wait_for(&socket);
        server.url = format!("grpc://{}", start_proxy(socket));
        server
    }

    fn wait_for(&mut self, socket: &Path) {
        let start = Instant::now();
        while UnixStream::connect(socket).is_err() {
            assert_eq!(self.process.try_wait().unwrap(), None, "buildbox-casd ended");
            assert!(start.elapsed() < Duration::from_secs(60), "buildbox-casd doesn't listen at {}", socket.display());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Where it keeps files, and runs actions.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What has ended already is no error.
        let kill = |signal: &str, process: String| drop(Command::new("kill").args([signal, "--", &process]).output());
        // It ends what it runs, which has groups of its own, if it is asked to end; it may have ended by itself.
        kill("-TERM", self.process.id().to_string());
        let start = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(50));
        }
        kill("-KILL", format!("-{}", self.process.id()));
        let _ = self.process.wait();
    }
}

/// Listens for clients of the server behind the socket; gives the address.
fn start_proxy(socket: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let socket = socket.clone();
            // Either side may go away in the middle.
            thread::spawn(move || drop(serve(client, &socket)));
        }
    });
    address
}

/// Passes on what a client and the server say, until one of them ends.
fn serve(client: TcpStream, socket: &Path) -> io::Result<()> {
    let server = UnixStream::connect(socket)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let ended = pass_answers(BufReader::new(server), &client);
    client.shutdown(Shutdown::Both)?;
    ended
}

/// Passes on the frames of HTTP/2 (RFC 9113, section 4.1), with another version in one.
fn pass_answers(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    const DATA: u8 = 0;
    let mut head = [0; 9];
    loop {
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        from.read_exact(&mut payload)?;
        if head[3] == DATA {
            lower_version(&mut payload);
        }
        to.write_all(&[&head[..], &payload].concat())?;
    }
}

/// Makes `low_api_version` 2.0 where a frame is one message of gRPC that ends as ServerCapabilities do: with the fields 4 and 5, which
/// are `SemVer { major: 2, minor: … }`.
fn lower_version(data: &mut [u8]) {
    let Some((head, message)) = data.split_at_mut_checked(5) else { return };
    let is_whole = head[0] == 0 && head[1..] == (message.len() as u32).to_be_bytes();
    if let ([.., 0x22, 4, 8, 2, 0x10, low, 0x2a, 4, 8, 2, 0x10, _], true) = (message, is_whole) {
        *low = 0;
    }
}
