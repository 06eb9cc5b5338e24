//! `make demo`: starts everything, prints what to try, and stops it all on Ctrl-C.

use std::{process::ExitCode, time::Duration};

use e2e::demo::{Demo, Options};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::interval,
};

/// How often the parts are looked at.
const WATCH: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let options = Options::from_environment()?;
    // Before anything is started, so that nothing is left behind.
    let unheard = |error| format!("no signals: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;

    let folder = options.folder.clone();
    let mut demo = tokio::select! {
        demo = Demo::start(options) => demo?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    println!("\n{}", demo.script());
    println!(
        "Everything runs until Ctrl-C. Data and logs are in {}.",
        folder.display()
    );

    let mut watch = interval(WATCH);
    loop {
        tokio::select! {
            // A terminal sends Ctrl-C to the parts as well: that they end is then no news.
            biased;
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = watch.tick() => if let Some(ended) = demo.ended() {
                return Err(ended);
            },
        }
    }
    println!(
        "\nStopping. `make demo` starts again with the data in {}.",
        folder.display()
    );
    demo.stop();
    Ok(())
}
