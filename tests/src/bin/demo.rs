//! `make demo`: starts everything, prints what to try, and stops it all on Ctrl-C. `demo oidc` is `make demo-oidc`.
//!
//! `demo upstream <address>` and `demo token <file>` are two of its parts alone, for envoy/docker-compose.yaml.

use std::{env, path::Path, process::ExitCode, time::Duration};

use e2e::{
    demo::{Demo, Options, gateway_token},
    echo::{Answers, Echo},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::interval,
};

/// How often the parts are looked at.
const WATCH: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        [] => run(false).await,
        ["oidc"] => run(true).await,
        ["upstream", address] => upstream(address).await,
        ["token", file] => gateway_token(Path::new(file)).map(drop),
        _ => Err("usage: demo [oidc | upstream <address> | token <file>]".to_owned()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The upstream alone, until a signal.
async fn upstream(address: &str) -> Result<(), String> {
    let parsed = address
        .parse()
        .map_err(|_| format!("{address} is not an address and port"))?;
    let unheard = |error| format!("no signals: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    let upstream = Echo::listen(parsed, Answers::Echo)
        .await
        .map_err(|error| format!("{address}: {error}"))?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    drop(upstream);
    Ok(())
}

async fn run(with_provider: bool) -> Result<(), String> {
    let mut options = Options::from_environment()?;
    if with_provider {
        options = options.with_provider()?;
    }
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
    if with_provider {
        println!("\nStopping. `make demo-oidc` begins anew.");
    } else {
        println!(
            "\nStopping. `make demo` starts again with the data in {}.",
            folder.display()
        );
    }
    demo.stop();
    Ok(())
}
