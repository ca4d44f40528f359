//! The program: its first lines, its control path, and a log that survives being killed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use testkit::fake_cognito::{Entry, Ready};

struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fake-cognito"));
        let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn request(url: &str, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let length = body.len();
    let text = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn it_prints_its_url_takes_orders_and_its_log_survives() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, log) = (folder.path().join("secret"), folder.path().join("log"));
    std::fs::write(&secret, "MZXW6YTBOI======\n").unwrap();
    let arguments = [
        "--reuse",
        "status-error",
        "--secret-file",
        secret.to_str().unwrap(),
        "--log",
        log.to_str().unwrap(),
    ];
    let mut program = Program::start(&arguments);
    let url = program.line();
    let ready: Ready = serde_json::from_str(&program.line()).unwrap();
    assert_eq!((ready.user.as_str(), ready.secret.as_str()), ("demo", "MZXW6YTBOI"));

    let order = |order: Value| request(&url, "POST /_control HTTP/1.1", &order.to_string());
    assert!(order(json!({"plan": {"fault": "html503", "count": 1}})).starts_with("HTTP/1.1 200"));
    assert!(order(json!({"plan": {"fault": "no-such-fault"}})).starts_with("HTTP/1.1 400"));
    assert!(order(json!({"ready-user": {"name": "eve", "secret": null}})).contains("\"access_token\""));
    assert!(order(json!({"issue": {"user": "eve"}})).contains("\"session\""));

    let head = "POST / HTTP/1.1\r\nX-Amz-Target: AWSCognitoIdentityProviderService.GetUser";
    let body = json!({"AccessToken": ready.access_token}).to_string();
    assert!(request(&url, head, &body).starts_with("HTTP/1.1 503"));
    assert!(request(&url, head, &body).contains("\"Username\":\"demo\""));
    let served = request(&url, "GET /_log HTTP/1.1", "");
    drop(program);

    let text = std::fs::read_to_string(&log).unwrap();
    assert!(served.ends_with(&text));
    let entries: Vec<Entry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let outcomes: Vec<_> = entries.iter().map(|entry| (entry.outcome.as_str(), entry.processed)).collect();
    assert_eq!(outcomes, [("Html503", false), ("SUCCESS", true)]);
    assert!(entries.iter().all(|entry| entry.user.as_deref() == Some("demo")));
}

#[test]
fn it_listens_on_loopback_only() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "MZXW6YTBOI").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_fake-cognito"))
        .args(["--listen", "0.0.0.0:0", "--secret-file", secret.to_str().unwrap()])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
}
