//! Runs the AWS CLI, the program `aws`, for the calls that need no second factor.
//!
//! Secrets go through its standard input, because other programs can read arguments.

use std::io::{self, Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Failure, exit};

/// Set for `aws`, so that a profile of it that runs this program does not do so for ever.
const GUARD: &str = "OATHBRIDGE_SIGN_IN";

/// The exit status of `aws` if the service answered with an error (AWS CLI version 2, Return codes).
const REFUSED_BY_SERVICE: i32 = 254;

/// Where the calls go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aws<'place> {
    pub(super) region: &'place str,
    /// The endpoint in place of that of the region; empty if there is none.
    pub(super) endpoint: &'place str,
}

impl Aws<'_> {
    /// The JSON that an action printed. `aws` prints its errors itself.
    ///
    /// # Errors
    ///
    /// There is no `aws`, or it failed.
    pub(super) fn call(
        self,
        service: &str,
        action: &str,
        input: &impl Serialize,
    ) -> Result<Zeroizing<String>, Failure> {
        if std::env::var_os(GUARD).is_some() {
            return Err(Failure::new(
                exit::FAILED,
                "The program aws runs sign-in for its own call; leave out credential_process in its default profile.",
            ));
        }
        let input = serde_json::to_string(input).map(Zeroizing::new);
        let input = input.map_err(|error| Failure::failed("Writing JSON", error))?;
        let (status, output) = self.run(service, action, &input).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Failure::new(exit::FAILED, "There is no program aws on PATH; install the AWS CLI.")
            }
            _ => Failure::of_system("Running aws", &error),
        })?;
        if status.success() {
            return Ok(output);
        }
        let (code, what) = match status.code() {
            Some(REFUSED_BY_SERVICE) => (exit::REFUSED, "was refused"),
            _ => (exit::FAILED, "failed"),
        };
        Err(Failure::new(
            code,
            format!(
                "aws {service} {action} {what}; its own message says why, so correct that and try again."
            ),
        ))
    }

    /// How it ended, and what it printed.
    fn run(self, service: &str, action: &str, input: &str) -> io::Result<(ExitStatus, Zeroizing<String>)> {
        let mut command = Command::new("aws");
        // These calls are not signed, so no credentials are looked for.
        command.args([service, action, "--no-sign-request", "--output", "json", "--region", self.region]);
        command.args(["--cli-input-json", "file:///dev/stdin"]);
        if !self.endpoint.is_empty() {
            command.args(["--endpoint-url", self.endpoint]);
        }
        command.env(GUARD, "1").env_remove("AWS_PROFILE").env_remove("AWS_DEFAULT_PROFILE");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        if let Some(mut pipe) = child.stdin.take() {
            // A program that ends before it has read everything tells its own error.
            let _ = pipe.write_all(input.as_bytes());
        }
        let mut output = Zeroizing::new(String::new());
        if let Some(mut pipe) = child.stdout.take() {
            pipe.read_to_string(&mut output)?;
        }
        Ok((child.wait()?, output))
    }
}

/// The members of an answer that are needed.
pub(super) fn parse<T: DeserializeOwned>(answer: &str) -> Result<T, Failure> {
    serde_json::from_str(answer).map_err(|_| {
        Failure::new(
            exit::FAILED,
            "The program aws printed something else than the expected JSON; update it.",
        )
    })
}
