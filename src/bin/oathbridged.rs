//! The daemon. See oathbridged(8).

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use oathbridge::clock::SystemClock;
use oathbridge::config::{Config, Files};
use oathbridge::daemon::{self, Parts};
use oathbridge::device::Transport;
use oathbridge::logging::{self, Level};
use oathbridge::regular_file::read_text;
use oathbridge::transport::hid::HidTransport;
use oathbridge::transport::pcsc::PcscTransport;
use oathbridge::virt::{self, TokenSpec, VirtualTransport};
use oathbridge::{process, state_file};
use zbus::address::Address;
use zeroizing_alloc::ZeroAlloc;

/// Wipes freed memory, because libraries copy secrets outside of our own types.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// The maximum size of a token file, in bytes.
const MAX_TOKEN_FILE_BYTES: u64 = 1 << 20;

/// The maximum number of threads for files and descriptors; further work waits.
const MAX_BLOCKING_THREADS: usize = 128;

/// Offers the codes of OATH tokens on the session bus and submits them to Amazon Cognito.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Read this configuration instead of that of the user or the system.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Attach the virtual tokens of the demo, or those that FILE describes.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    virtual_token: Option<Option<PathBuf>>,
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value_t = Level::default())]
    log_level: Level,
}

fn main() -> ExitCode {
    logging::print_panics();
    let arguments = || Arguments::try_parse().unwrap_or_else(|error| logging::exit_with(&error));
    match process::protect().map_err(|error| error.to_string()).and_then(|()| run(arguments())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            logging::print_error(&format!("oathbridged: {sentence}."));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    logging::start(arguments.log_level);
    process::warn_if_readable();
    let virtual_tokens = arguments.virtual_token.map(virtual_tokens).transpose()?;
    let state_directory = state_file::directory()
        .ok_or("there is no state folder; set HOME or XDG_STATE_HOME to an absolute path")?;
    let parts = Parts {
        clock: Arc::new(SystemClock::new()),
        transports: Box::new(move |config| transports(config, virtual_tokens)),
        state_directory,
        runtime_directory: state_file::runtime_directory(),
        config: Files::standard(arguments.config),
        bus: Address::session().map_err(|error| error.to_string())?,
        logind_timeout: daemon::LOGIND_TIMEOUT,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Below TasksMax= of the unit, with the threads of tokens.
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .build()
        .map_err(|error| error.to_string())?;
    let result = runtime.block_on(async {
        let stop = daemon::terminated()?;
        daemon::run(parts, stop).await
    });
    // A thread that hangs in a token's driver must not keep the process.
    runtime.shutdown_background();
    result.map_err(|error| error.to_string())
}

fn transports(config: &Config, virtual_tokens: Option<Vec<TokenSpec>>) -> Vec<Arc<dyn Transport>> {
    let mut transports: Vec<Arc<dyn Transport>> = Vec::new();
    if config.pcsc.enabled {
        transports.push(Arc::new(PcscTransport::new(config.pcsc.ignore_readers.clone())));
    }
    transports.push(Arc::new(HidTransport::new()));
    if let Some(tokens) = virtual_tokens {
        transports.push(Arc::new(VirtualTransport::new(&tokens)));
    }
    transports
}

fn virtual_tokens(file: Option<PathBuf>) -> Result<Vec<TokenSpec>, String> {
    let Some(file) = file else { return Ok(TokenSpec::demo()) };
    let text = read_text(&file, MAX_TOKEN_FILE_BYTES).map_err(|error| {
        format!(
            "{} is not usable as a token file, because {error}; pass the path of a TOML file",
            file.display()
        )
    })?;
    virt::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}
