//! `oathbridgectl`, the user's tool: a D-Bus client of the daemon, one subcommand a file.
//!
//! Stability: sentences may change; `--json` members and the codes of [`exit`] are only added. No argument, error or
//! note contains a secret; codes and sessions are printed on standard output only.

mod arguments;
mod bus;
mod cancel;
mod cancelled;
mod challenge;
mod code;
mod config;
pub mod exit;
mod failure;
mod follow;
mod guard;
mod list;
mod problem;
mod query;
mod screen;
mod secret_input;
mod state_folder;
mod status;
mod tokens;
mod tree;
mod unlock;
mod verify;
mod wait;
mod watch;
mod wording;

use std::ffi::OsString;
use std::io::{Write, stderr, stdout};

pub use arguments::{Arguments, Command};
pub use failure::Failure;
pub use screen::Output;

use arguments::Parsed;

use crate::text::escape_invisible;

/// Runs the command of the command line, prints its result, and returns the exit code.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let arguments = match arguments::parse(arguments) {
        Parsed::Arguments(arguments) => arguments,
        Parsed::Answer(text) => return print(&text),
        Parsed::Refusal(text) => {
            print_error(text.trim_end());
            return exit::USAGE;
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => Err(Failure::failed("Starting", error)),
    };
    match result {
        Ok(output) => {
            for note in &output.notes {
                print_error(&escape_invisible(note));
            }
            let printed = print(&output.text);
            output.failure.map_or(printed, |failure| fail(&failure))
        }
        Err(failure) => fail(&failure),
    }
}

async fn run(arguments: Arguments) -> Result<Output, Failure> {
    let json = arguments.json;
    match arguments.command {
        Command::Tokens => tokens::run(json).await,
        Command::List(arguments) => list::run(&arguments, json).await,
        Command::Code(arguments) => code::run(&arguments, json).await,
        Command::Verify(arguments) => verify::run(&arguments, json).await,
        Command::Challenge(arguments) => challenge::run(&arguments).await,
        Command::Watch(arguments) => watch::run(&arguments).await,
        Command::Cancel(arguments) => cancel::run(&arguments, json).await,
        Command::Unlock(arguments) => unlock::run(&arguments, json).await,
        Command::Guard(command) => guard::run(&command, json).await,
        Command::Config(command) => config::run(&command, json),
        Command::Status => status::run(json).await,
    }
}

fn fail(failure: &Failure) -> u8 {
    print_error(&failure.text());
    failure.code
}

fn print(text: &str) -> u8 {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => exit::DONE,
        // The reader of the pipe has closed it and needs no more output.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => exit::DONE,
        Err(error) => {
            print_error(&Failure::failed("Writing to standard output", error).text());
            exit::FAILED
        }
    }
}

fn print_error(text: &str) {
    // Standard error may be closed; there is no other place for the message.
    let _ = writeln!(stderr(), "{text}");
}
