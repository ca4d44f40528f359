//! `oathbridgectl`, the user's tool: a D-Bus client of the daemon, one subcommand a file.
//!
//! Stability: sentences may change; `--json` members and the codes of [`exit`] are only added. No argument, error or
//! note contains a secret; codes and sessions are printed on standard output only.

mod add;
mod arguments;
mod asked;
mod aws;
mod bus;
mod cancel;
mod cancelled;
mod cells;
mod challenge;
mod changes;
mod client_secret;
mod clipboard;
mod code;
mod codes;
mod complete;
mod config;
mod confirm;
mod daemon_state;
pub mod exit;
mod failure;
mod follow;
mod guard;
mod list;
mod local_time;
mod lock;
mod no_match;
mod operation;
mod password;
mod problem;
mod profile;
mod profile_checks;
mod profile_file;
mod profiles;
mod proof;
mod properties;
mod proxies;
mod qr;
mod query;
mod remove;
mod screen;
mod screen_lock;
mod secret_input;
mod service_unit;
mod sign_in;
mod similar;
mod state_folder;
mod status;
mod style;
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
pub use asked::{Asked, Details, Task};
pub use failure::Failure;
pub use screen::Output;
pub use wording::words;

use arguments::Parsed;
use style::Style;

use crate::text::escape_invisible;

/// Runs the command of the command line, prints its result, and returns the exit code.
pub fn main(arguments: Vec<OsString>) -> u8 {
    let wants_json = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let arguments = match arguments::parse(arguments) {
        Parsed::Arguments(arguments) => arguments,
        Parsed::Answer(text) => return print(&text),
        Parsed::Refusal(text) => {
            if wants_json {
                let sentence = text.trim_end().trim_start_matches("oathbridgectl: ");
                print(&Failure::usage(sentence).json());
            }
            print_error(text.trim_end());
            return exit::USAGE;
        }
    };
    let is_in_lines = matches!(arguments.command, Command::Watch(_));
    let style = Style { json: arguments.json, quiet: arguments.quiet, is_in_lines };
    match start(arguments, style) {
        Ok(output) => {
            for note in output.notes.iter().filter(|_| !style.quiet) {
                print_error(&escape_invisible(note));
            }
            let printed = print(&output.text);
            output.failure.map_or(printed, |failure| {
                print_error(&failure.text());
                failure.code
            })
        }
        Err(failure) => fail(&failure, style),
    }
}

fn start(arguments: Arguments, style: Style) -> Result<Output, Failure> {
    secret_input::check_descriptors(arguments.command.descriptors())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::of_system("Starting", &error))?.block_on(run(arguments, style))
}

async fn run(arguments: Arguments, style: Style) -> Result<Output, Failure> {
    match arguments.command {
        Command::Tokens => tokens::run(style).await,
        Command::List(arguments) => list::run(&arguments, style).await,
        Command::Code(arguments) => code::run(&arguments, style).await,
        Command::Verify(arguments) => verify::run(&arguments, style).await,
        Command::Challenge(arguments) => challenge::run(&arguments, style).await,
        Command::SignIn(arguments) => sign_in::run(&arguments, style).await,
        Command::Profile(command) => profiles::run(&command, style).await,
        Command::Watch(arguments) => watch::run(&arguments, style).await,
        Command::Cancel(arguments) => cancel::run(&arguments, style).await,
        Command::Add(arguments) => add::run(&arguments, style).await,
        Command::Rename(arguments) => remove::rename(&arguments, style).await,
        Command::Remove(arguments) => remove::remove(&arguments, style).await,
        Command::Unlock(arguments) => unlock::run(&arguments, style).await,
        Command::Password(arguments) => password::run(&arguments, style).await,
        Command::Lock(arguments) => lock::run(&arguments, style).await,
        Command::Guard(command) => guard::run(&command, style).await,
        Command::Complete(arguments) => Ok(complete::run(arguments.names).await),
        Command::Config(command) => config::run(&command, style.json),
        Command::Status => status::run(style.json).await,
    }
}

fn fail(failure: &Failure, style: Style) -> u8 {
    if style.json {
        print(&if style.is_in_lines { failure.json_line() } else { failure.json() });
    }
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
            print_error(&Failure::of_system("Writing to standard output", &error).text());
            exit::FAILED
        }
    }
}

fn print_error(text: &str) {
    // Standard error may be closed; there is no other place for the message.
    let _ = writeln!(stderr(), "{text}");
}
