//! The demo: registry, Envoy and upstream on fixed ports, one credential of each kind, and commands to try.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use filter_core::key::{SecretType, Shape, shape};

use crate::{
    built,
    echo::{Answers, Echo},
    envoy::{
        Envoy, Start,
        config::{Config, LISTENER},
    },
    http::Client,
    registry::{Registry, Settings, fresh_secret},
    stack::READY,
};

mod credentials;
mod oauth;
mod oidc;
mod script;

use credentials::Credentials;
use oidc::Oidc;
use script::Gate;

/// Where the demo's parts listen and its data lies.
#[derive(Clone, Debug)]
pub struct Options {
    /// Envoy, for callers of the API.
    pub gateway: SocketAddr,
    /// Envoy's admin interface.
    pub envoy_admin: SocketAddr,
    /// The upstream.
    pub upstream: SocketAddr,
    /// The registry's API.
    pub registry: SocketAddr,
    /// The registry's health and metrics.
    pub operations: SocketAddr,
    /// The identity provider, where there is one.
    pub provider: Option<SocketAddr>,
    /// The folder that is kept from one start to the next; with an identity provider, which forgets everything, it is not.
    pub folder: PathBuf,
}

/// The parts that take a port: what they are called, the variable that gives another port, and the default.
const PARTS: [(&str, &str, u16); 5] = [
    ("Envoy", "DEMO_GATEWAY_PORT", 10_000),
    ("Envoy's admin interface", "DEMO_ENVOY_ADMIN_PORT", 9901),
    ("the upstream", "DEMO_UPSTREAM_PORT", 10_001),
    ("the registry", "DEMO_REGISTRY_PORT", 8080),
    ("the registry's operations", "DEMO_OPERATIONS_PORT", 8081),
];

/// The identity provider's port, beside those of [`PARTS`].
const PROVIDER: (&str, &str, u16) = ("oidc-provider", "DEMO_PROVIDER_PORT", 9400);

fn address((_, variable, default): (&str, &str, u16)) -> Result<SocketAddr, String> {
    let port = match env::var(variable) {
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{variable}={text} is not a port"))?,
        Err(_) => default,
    };
    Ok(SocketAddr::from(([127, 0, 0, 1], port)))
}

impl Options {
    /// The defaults, and what the environment says instead.
    pub fn from_environment() -> Result<Self, String> {
        let addresses: Result<Vec<SocketAddr>, String> = PARTS.into_iter().map(address).collect();
        let addresses = addresses?;
        let [gateway, envoy_admin, upstream, registry, operations] = addresses[..] else {
            return Err("a part has no port".to_owned());
        };
        let folder = env::var_os("DEMO_FOLDER")
            .map_or_else(|| built::root().join(".keysmith"), PathBuf::from);
        Ok(Self {
            gateway,
            envoy_admin,
            upstream,
            registry,
            operations,
            provider: None,
            folder,
        })
    }

    /// The same with an identity provider, in a folder of its own.
    pub fn with_provider(self) -> Result<Self, String> {
        Ok(Self {
            provider: Some(address(PROVIDER)?),
            folder: self.folder.join("oidc"),
            ..self
        })
    }

    /// Says which part finds its port taken.
    fn check_ports(&self) -> Result<(), String> {
        let addresses = [
            self.gateway,
            self.envoy_admin,
            self.upstream,
            self.registry,
            self.operations,
        ];
        let provider = self.provider.map(|address| (PROVIDER, address));
        let target = provider.map_or("demo", |_| "demo-oidc");
        let all = PARTS.into_iter().zip(addresses).chain(provider);
        for ((part, variable, _), address) in all {
            TcpListener::bind(address).map_err(|error| {
                format!(
                    "{part} cannot listen on {address} ({error}): stop what uses port {port}, or choose another with \
                     `{variable}=…  make {target}`",
                    port = address.port()
                )
            })?;
        }
        Ok(())
    }
}

/// The running demo. Everything that it started ends with it.
#[derive(Debug)]
pub struct Demo {
    envoy: Envoy,
    registry: Registry,
    _upstream: Echo,
    options: Options,
    trials: Trials,
}

/// What there is to try.
#[derive(Debug)]
enum Trials {
    /// A credential of each kind.
    Credentials(Box<Credentials>),
    /// A client at an identity provider.
    Oidc(Box<Oidc>),
}

impl Demo {
    /// Starts every part and makes the credentials. The error is for the screen.
    pub async fn start(options: Options) -> Result<Self, String> {
        options.check_ports()?;
        if options.provider.is_some() {
            forget(&options.folder)?;
        }
        let logs = prepare(&options.folder)?;

        println!(
            "Starting the registry, data in {}",
            options.folder.display()
        );
        let token = gateway_token(&options.folder.join("gateway-token"))?;
        let settings = Settings {
            listen: options.registry,
            operations_listen: options.operations,
            data: options.folder.join("data"),
            // The registry makes one of its own, as it does for everybody who starts it for the first time.
            admin_token: None,
            gateway_token: token.clone(),
            tls: None,
            // The identity provider is on this machine, to which a registry otherwise sends nothing.
            more: options.provider.map_or_else(Vec::new, |_| {
                let setting = "OUTGOING_ALLOWED_NETWORKS".to_owned();
                vec![(setting, "127.0.0.0/8".to_owned())]
            }),
        };
        let registry = Registry::try_start(settings, &logs).await.map_err(|log| {
            let folder = options.folder.display();
            format!("the registry does not start (remove {folder} to begin anew):\n{log}")
        })?;

        println!("Starting the upstream");
        let upstream = Echo::listen(options.upstream, Answers::Echo)
            .await
            .map_err(|error| format!("the upstream does not start: {error}"))?;

        println!("Starting Envoy with envoy/envoy.yaml");
        let config = options.envoy_config();
        let envoy = Envoy::try_start(Start {
            binary: built::envoy(),
            config: &config,
            node: None,
            token: Some(&token),
            folder: &logs,
            name: "envoy",
        })
        .await
        .map_err(|log| format!("Envoy does not start:\n{log}"))?;

        let listener = envoy.listener(LISTENER).await;
        let gateway = Client::new(listener.unwrap_or(options.gateway));
        let admin = registry.admin();
        let trials = if let Some(address) = options.provider {
            println!("Starting oidc-provider, and registering a client there");
            Trials::Oidc(Box::new(
                Oidc::prepare(&admin, address, &options.folder).await,
            ))
        } else {
            println!("Making an application with a credential of each kind");
            let made = Credentials::prepare(&admin, &options).await;
            gateway.get("/").key(&made.key.secret).until(200).await;
            Trials::Credentials(Box::new(made))
        };
        gateway.get(READY).until(200).await;
        Ok(Self {
            envoy,
            registry,
            _upstream: upstream,
            options,
            trials,
        })
    }

    /// What to try, as commands with the results to expect.
    pub fn script(&self) -> String {
        let gate = Gate::of(&self.options);
        script::text(match &self.trials {
            Trials::Credentials(made) => script::sections(&gate, made),
            Trials::Oidc(oidc) => oidc.sections(&gate),
        })
    }

    /// Says which part has ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        let logs = self.options.folder.join("logs");
        let parts = [
            ("Envoy", self.envoy.process(), "envoy.log"),
            ("the registry", self.registry.process(), "registry.log"),
        ];
        parts.into_iter().find_map(|(part, process, log)| {
            let status = process.exited()?;
            Some(format!(
                "{part} ended with {status}: see {}",
                logs.join(log).display()
            ))
        })
    }

    /// Stops everything, the registry last and in order.
    pub fn stop(self) {
        let Self {
            envoy,
            mut registry,
            ..
        } = self;
        drop(envoy);
        registry.process().terminate();
    }
}

impl Options {
    /// `envoy/envoy.yaml` with these addresses, which are its own by default, and the module where it was built.
    fn envoy_config(&self) -> Config {
        Config::reference()
            .admin(self.envoy_admin)
            .listen(self.gateway)
            .cluster("upstream", self.upstream)
            .cluster("keysmith_feed", self.registry)
            .cluster("keysmith_verify", self.registry)
            .module(&built::filter())
    }
}

/// Removes what an earlier start has left in the folder.
fn forget(folder: &Path) -> Result<(), String> {
    let data = folder.join("data");
    if !data.exists() {
        return Ok(());
    }
    fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))
}

/// Makes the demo's folder, for nobody else to read, and an empty one for the logs of this start.
fn prepare(folder: &Path) -> Result<PathBuf, String> {
    let logs = folder.join("logs");
    let made = private_folder(folder).and_then(|()| {
        if logs.exists() {
            fs::remove_dir_all(&logs)?;
        }
        fs::create_dir(&logs)
    });
    made.map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    Ok(logs)
}

/// The gateway's token, made at the first start and kept in this file.
pub fn gateway_token(path: &Path) -> Result<String, String> {
    let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    if path.exists() {
        let text = fs::read_to_string(path).map_err(|error| unusable(&error))?;
        return match shape(text.trim().as_bytes()) {
            Shape::Generated(SecretType::GatewayToken) => Ok(text.trim().to_owned()),
            _ => Err(unusable(&"not a gateway token; remove it to get a new one")),
        };
    }
    let token = fresh_secret(SecretType::GatewayToken);
    private_file(path, &token).map_err(|error| unusable(&error))?;
    Ok(token)
}

#[cfg(unix)]
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(unix)]
fn private_file(path: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
