//! `make bench` and `make bench-quick`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use bench::{
    alone, checker, cpu,
    report::{Context, Failed, Figure, progress},
    system, upstream,
};
use clap::{Parser, Subcommand};
use e2e::built;

/// Measures what the filter costs beside Envoy's own filters, and how the whole system behaves at scale.
#[derive(Parser)]
struct Arguments {
    /// A run of a few minutes, with wider intervals and fewer figures
    #[arg(long)]
    quick: bool,
    /// Only this part: `cpu`, `system`, or those groups whose name contains it
    #[arg(long, default_value = "")]
    only: String,
    /// So many slices of each variant instead of the usual number
    #[arg(long)]
    rounds: Option<usize>,
    /// The folder for seeds, configurations and logs [default: bench in the build directory]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Where the report goes, without its ending [default: quick, or full, in that folder]
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What the benchmark starts itself as.
#[derive(Subcommand)]
enum Role {
    /// The service that `ext_authz` asks
    #[command(hide = true)]
    Checker {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        keys: PathBuf,
    },
    /// What Envoy proxies to
    #[command(hide = true)]
    Upstream {
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Failed> {
    let mut on_one_thread = tokio::runtime::Builder::new_current_thread();
    let one_thread = on_one_thread.enable_all();
    match arguments.role {
        Some(Role::Checker { listen, keys }) => {
            one_thread.build()?.block_on(checker::serve(listen, &keys))
        }
        Some(Role::Upstream { listen }) => one_thread.build()?.block_on(upstream::serve(listen)),
        None => tokio::runtime::Runtime::new()?.block_on(measure(arguments)),
    }
}

async fn measure(arguments: Arguments) -> Result<(), Failed> {
    let context = context(&arguments)?;
    let chosen = Chosen::by(&arguments.only, arguments.quick)?;
    let _alone = alone::in_folder(&context.folder)?;
    let mut figures = Vec::new();
    let folder = context.folder.clone();
    tokio::spawn(async move { alone::until_signalled(&folder).await });
    let outcome = chosen
        .measure(&context, arguments.rounds, &mut figures)
        .await;
    let name = if arguments.quick { "quick" } else { "full" };
    let report = arguments
        .report
        .unwrap_or_else(|| context.folder.join(name));
    // What was measured before something failed is not lost.
    if !figures.is_empty() {
        bench::report::write(&figures, &context, &report)?;
    }
    outcome
}

/// The names of the groups that are measured.
struct Chosen {
    cpu: Vec<&'static str>,
    system: Vec<&'static str>,
}

impl Chosen {
    /// `cpu`, `system`, or every group whose name contains `only`.
    fn by(only: &str, quick: bool) -> Result<Self, Failed> {
        let (cpu, system) = (cpu::names(quick), system::GROUPS.to_vec());
        let chosen = |names: &[&'static str], part: &str, other: &str| -> Vec<&'static str> {
            let is_chosen = |name: &&str| only != other && (only == part || name.contains(only));
            names.iter().copied().filter(is_chosen).collect()
        };
        let by_name = Self {
            cpu: chosen(&cpu, "cpu", "system"),
            system: chosen(&system, "system", "cpu"),
        };
        if by_name.cpu.is_empty() && by_name.system.is_empty() {
            let names = [cpu, system].concat().join(", ");
            return Err(
                format!("no group is called {only}; there are cpu, system, {names}").into(),
            );
        }
        Ok(by_name)
    }

    async fn measure(
        &self,
        context: &Context,
        rounds: Option<usize>,
        figures: &mut Vec<Figure>,
    ) -> Result<(), Failed> {
        let cpu = cpu::run(context, &self.cpu, rounds, figures).await;
        if let Err(error) = &cpu {
            progress(&error.to_string());
        }
        cpu.and(system::run(context, &self.system, figures).await)
    }
}

fn context(arguments: &Arguments) -> Result<Context, Failed> {
    let target = built::target();
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => target.join("bench"),
    };
    std::fs::create_dir_all(&folder)?;
    let empty = folder.join("empty.wasm");
    let assembled = wat::parse_str(include_str!("../modules/empty.wat"))?;
    std::fs::write(&empty, assembled)?;
    Ok(Context {
        envoy: built::envoy(),
        filter: built::filter(),
        probe: target.join("wasm32-unknown-unknown/wasm/probe.wasm"),
        empty,
        keysmith: built::keysmith(),
        folder,
        quick: arguments.quick,
    })
}
