//! `keysmith`: reads the command line and hands over to the library.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use registry::{
    backup::{self, Restore},
    cli::{self, Console},
    clock::{SystemClock, Timestamp},
    config::{self, Config},
    entropy::SystemEntropy,
    serve::{Sockets, World, serve},
    shutdown, telemetry,
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// API credentials for Envoy: the registry in which they are managed and from which gateways follow them.
#[derive(Debug, Parser)]
#[command(name = "keysmith", version, arg_required_else_help = true, after_help = cli::EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the registry until SIGINT or SIGTERM
    #[command(after_long_help = config::help(), after_help = "All settings are explained by: keysmith serve --help")]
    Serve {
        /// The configuration file (TOML). Without it, only the environment and the defaults count
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Write the whole database into one file, while the registry runs
    ///
    /// With the configuration that `serve` reads. The file holds what the database holds, sealed under the same master key,
    /// and not that key. It can be restored into SQLite and PostgreSQL alike.
    Backup {
        /// The file to write; `-` for the standard output
        file: PathBuf,
        /// Replace the file if it exists
        #[arg(long)]
        overwrite: bool,
        /// The configuration file (TOML), as for `serve`
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Fill an empty database from a backup
    ///
    /// With the configuration that `serve` reads; no registry may run on the database meanwhile. Everything that the
    /// journals of revocations say is revoked again: the registry's own, if it is where the configuration says, and those
    /// that are given.
    Restore {
        /// The backup
        file: PathBuf,
        /// A journal of revocations; of an installation with several registries, give the journals of all
        #[arg(long = "journal", value_name = "FILE")]
        journals: Vec<PathBuf>,
        /// Without any journal: accept that what was revoked since this moment works again. Not later than the backup
        #[arg(long, value_name = "TIME", value_parser = moment)]
        accept_revoked_since: Option<Timestamp>,
        /// The configuration file (TOML), as for `serve`
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the OpenAPI document of the REST API
    Openapi,
    /// Print a script that completes this command line
    Completion {
        /// For which shell
        shell: Shell,
    },
    #[command(flatten)]
    Client(Box<cli::Command>),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve { config } => run(config.as_deref()),
        Command::Backup {
            file,
            overwrite,
            config,
        } => back_up(&file, overwrite, config.as_deref()),
        Command::Restore {
            file,
            journals,
            accept_revoked_since,
            config,
        } => {
            let wanted = Restore {
                from: file,
                journals,
                accept_revoked_since,
            };
            restore(wanted, config.as_deref())
        }
        Command::Openapi => print_openapi(),
        Command::Completion { shell } => print_completion(shell),
        Command::Client(command) => return run_client(*command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "keysmith: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn run(file: Option<&Path>) -> Result<(), Failure> {
    let config = configure(file)?;
    runtime()?.block_on(run_until_signal(config))
}

fn configure(file: Option<&Path>) -> Result<Config, Failure> {
    let config = Config::load(file, std::env::vars_os())?;
    telemetry::init(&config.log)?;
    Ok(config)
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn world() -> World {
    World {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}

fn back_up(to: &Path, overwrite: bool, config: Option<&Path>) -> Result<(), Failure> {
    let config = configure(config)?;
    runtime()?.block_on(backup::run_backup(&config, &world(), to, overwrite))?;
    Ok(())
}

fn restore(wanted: Restore, config: Option<&Path>) -> Result<(), Failure> {
    let config = configure(config)?;
    runtime()?.block_on(backup::run_restore(config, &world(), wanted))?;
    Ok(())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let moment: jiff::Timestamp = text
        .parse()
        .map_err(|_| "must be a moment such as 2027-01-15T08:00:00Z".to_owned())?;
    let millis = u64::try_from(moment.as_millisecond());
    let millis = millis.map_err(|_| "must not be before 1970".to_owned())?;
    Ok(Timestamp::from_millis(millis))
}

async fn run_until_signal(config: Config) -> Result<(), Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (announcer, shutdown) = shutdown::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: finishing what was accepted");
        announcer.announce();
        // Somebody who asks twice does not want to wait.
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(130);
    });
    let sockets = Sockets::bind(&config).await?;
    tracing::info!(
        listen = %sockets.api.local_addr()?,
        operations_listen = %sockets.operations.local_addr()?,
        tls = config.listeners.tls.is_some(),
        data_dir = %config.data_dir.display(),
        version = env!("CARGO_PKG_VERSION"),
        "starting"
    );
    // It holds everything that the service works on, which is too much for a stack.
    Box::pin(serve(config, sockets, world(), shutdown)).await?;
    Ok(())
}

fn print_openapi() -> Result<(), Failure> {
    io::stdout().write_all(registry::api::openapi()?.as_bytes())?;
    Ok(())
}

fn print_completion(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "keysmith", &mut script);
    io::stdout().write_all(&script)?;
    Ok(())
}

fn run_client(command: cli::Command) -> ExitCode {
    let mut console = Console {
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        environment: std::env::vars_os().collect(),
        interactive: cli::is_interactive(),
        draws_progress: io::stderr().is_terminal(),
        clock: &SystemClock,
        entropy: &SystemEntropy,
    };
    cli::run(command, &mut console)
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
